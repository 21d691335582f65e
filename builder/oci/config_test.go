package oci

import "testing"

func TestConfigRefusesNonsense(t *testing.T) {
	for _, raw := range []string{"", "[]", `"x"`} {
		if _, err := ParseConfig([]byte(raw)); err == nil {
			t.Errorf("ParseConfig(%q) succeeds", raw)
		}
	}
	c, err := ParseConfig([]byte(`{"config":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetHealthcheck(1); err == nil {
		t.Error("a config that is a list is taken")
	}
	c, err = ParseConfig([]byte(`{"config":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetHealthcheck(1); err != nil {
		t.Errorf("a config that is null: %v", err)
	}
}
