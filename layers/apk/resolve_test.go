package apk

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/hint"
)

// packages parses records without checksums, as "P:a V:1-r0 D:b,c".
func packages(t testing.TB, lines ...string) (all []*Package) {
	t.Helper()
	for _, line := range lines {
		record := ""
		for _, field := range strings.Fields(line) {
			record += strings.ReplaceAll(field, ",", " ") + "\n"
		}
		p, err := parsePackage(record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestResolve(t *testing.T) {
	available := packages(t,
		"P:curl V:8.20.0-r0 D:so:libcurl.so.4 k:9",
		"P:curl V:8.21.0-r2 D:so:libcurl.so.4",
		"P:libcurl V:8.21.0-r2 p:so:libcurl.so.4=4.8.0 D:so:libc.so.6",
		"P:glibc V:2.43-r1 p:so:libc.so.6=6 k:5",
		"P:glibc-old V:2.40-r9 p:so:libc.so.6=6",
		"P:busybox V:1.37.0-r60 p:cmd:sh=1.37.0-r60 k:20",
		"P:busybox V:1.38.0-r1 p:cmd:sh=1.38.0-r1 k:10 D:glibc",
		"P:busybox-full V:1.38.0-r1 p:cmd:sh=1.38.0-r1,busybox=1.38.0-r1 k:5 D:glibc",
		"P:busybox-static V:1.38.0-r1 p:cmd:sh=1.38.0-r1 k:5",
		"P:pinned V:1-r0 D:curl=8.20.0-r0",
		"P:wants-new-base V:1-r0 D:wolfi-baselayout>20240101",
		"P:wants-base V:1-r0 D:wolfi-baselayout,merged-bin",
		"P:wolfi-baselayout V:20250101-r0 p:merged-bin=1",
		"P:excludes V:1-r0 D:!busybox-static",
		"P:excludes-base V:1-r0 D:!tzdata",
		"P:broken V:1-r0 D:nowhere",
		"P:circle-a V:1-r0 D:circle-b",
		"P:circle-b V:1-r0 D:circle-a",
		"P:extra V:1-r0 i:glibc,libcurl", // whatever it says, nobody asks for it
		"P:tilde V:3.1.4-r0", "P:tilde V:3.10.0-r0", "P:tilde V:3.1.10-r1", "P:tilde V:4_rc1-r0",
		"P:odd V:not-a-version", "P:odd V:1-r0",
	)
	base := packages(t, "P:wolfi-baselayout V:20230201-r29 p:merged-bin=1 D:gone", "P:tzdata V:2026c-r0")
	for _, tt := range []struct {
		name, wanted, want string
		installed          []*Package
		err, hint          string
	}{
		{name: "dependencies come first", wanted: "curl", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.21.0-r2"},
		{name: "newest, whatever its priority", wanted: "busybox", want: "glibc=2.43-r1 busybox=1.38.0-r1"},
		{name: "static", wanted: "busybox-static", want: "busybox-static=1.38.0-r1"},
		{name: "an older one", wanted: "curl=8.20.0-r0", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.20.0-r0"},
		{name: "less", wanted: "curl<8.21", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.20.0-r0"},
		{name: "more", wanted: "curl>8.20.0-r0", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.21.0-r2"},
		{name: "tilde", wanted: "tilde~3.1", want: "tilde=3.1.10-r1"},
		{name: "tilde with patch", wanted: "tilde~3.1.4", want: "tilde=3.1.4-r0"},
		{name: "release candidates count", wanted: "tilde", want: "tilde=4_rc1-r0"},
		{name: "odd version", wanted: "odd", want: "odd=1-r0"},
		{name: "a dependency of an older one", wanted: "pinned", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.20.0-r0 pinned=1-r0"},
		{name: "circle", wanted: "circle-a", want: "circle-b=1-r0 circle-a=1-r0"},
		{name: "two", wanted: "busybox-static curl", want: "busybox-static=1.38.0-r1 glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.21.0-r2"},
		{name: "twice", wanted: "curl curl>8", want: "glibc=2.43-r1 libcurl=8.21.0-r2 curl=8.21.0-r2"},
		{name: "by what it provides", wanted: "so:libcurl.so.4", want: "glibc=2.43-r1 libcurl=8.21.0-r2"},
		{name: "in the base", wanted: "tzdata", installed: base, want: ""},
		{name: "in the base by what it provides", wanted: "merged-bin", installed: base, want: ""},
		{name: "dependency in the base", wanted: "wants-base", installed: base, want: "wants-base=1-r0"},
		{name: "dependency not in the base", wanted: "wants-base", want: "wolfi-baselayout=20250101-r0 wants-base=1-r0"},

		{name: "unknown", wanted: "no-such", err: `there is no package "no-such"`, hint: "the packages of Wolfi"},
		{name: "unknown version", wanted: "curl=9", err: `there is no package "curl=9"; of "curl" there is 8.21.0-r2, 8.20.0-r0`, hint: "take one of these"},
		{name: "version after a dash", wanted: "curl-8.21.0-r2", err: `there is no package "curl-8.21.0-r2"`, hint: "write it as curl=8.21.0-r2"},
		{name: "unknown dependency", wanted: "broken", err: "nowhere"},
		{name: "contradiction", wanted: "curl=8.20.0-r0 curl=8.21.0-r2", err: "curl"},
		{name: "excluded", wanted: "busybox-static excludes", err: "busybox-static"},
		{name: "excluded, other way round", wanted: "excludes busybox-static", err: "busybox-static"},
		{name: "other version in the base", wanted: "wolfi-baselayout=20250101-r0", installed: base,
			err: `package "wolfi-baselayout=20250101-r0" is asked for, but the base image has wolfi-baselayout 20230201-r29`},
		{name: "other version in the base as dependency", wanted: "wants-new-base", installed: base,
			err: `"20230201-r29" does not satisfy "wolfi-baselayout>20240101"`, hint: "the base image has wolfi-baselayout 20230201-r29"},
		{name: "excluded and in the base", wanted: "excludes-base", installed: base, err: "tzdata", hint: "the base image has tzdata 2026c-r0"},
		{name: "provided by the base, too", wanted: "busybox-full", installed: packages(t, "P:busybox V:1.37.0-r60 p:cmd:sh=1.37.0-r60"),
			err: "busybox", hint: "the base image has busybox 1.37.0-r60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var wanted []constraint
			for _, s := range strings.Fields(tt.wanted) {
				c, err := parseConstraint(s)
				if err != nil {
					t.Fatal(err)
				}
				wanted = append(wanted, c)
			}
			chosen, err := resolve(t.Context(), available, tt.installed, wanted)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(hint.Of(err), tt.hint) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), tt.err, tt.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join((&Installation{Packages: chosen}).names(), " ")); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
			// The order of an index means nothing.
			reversed := slices.Clone(available)
			slices.Reverse(reversed)
			other, err := resolve(t.Context(), reversed, tt.installed, wanted)
			if diff := cmp.Diff((&Installation{Packages: chosen}).names(), (&Installation{Packages: other}).names()); diff != "" || err != nil {
				t.Errorf("packages of the reversed index, %v (-index +reversed):\n%s", err, diff)
			}
		})
	}
}

func TestConstraint(t *testing.T) {
	for _, tt := range []struct {
		constraint string
		yes, no    string
	}{
		{"a", "1 2-r3 odd", ""},
		{"a=1.2-r3", "1.2-r3", "1.2 1.2-r4 1.2.0-r3"},
		{"a>1.2", "1.2-r1 1.3 1.10", "1.2 1.1.9 1.2_rc1"},
		{"a<1.2", "1.1 1.2_rc1", "1.2 1.2-r1 1.10"},
		{"a>=1.2", "1.2 1.3", "1.1"},
		{"a<=1.2", "1.2 1.1", "1.3"},
		{"a~1.2", "1.2 1.2-r4 1.2.9 1.2_p1 1.2a", "1.20 1.3 1.1"},
		{"a=~1.2", "1.2.9", "1.20"},
	} {
		c, err := parseConstraint(tt.constraint)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range strings.Fields(tt.yes) {
			if !c.allows(v) {
				t.Errorf("%s does not allow %s", tt.constraint, v)
			}
		}
		for _, v := range strings.Fields(tt.no) {
			if c.allows(v) {
				t.Errorf("%s allows %s", tt.constraint, v)
			}
		}
	}
}
