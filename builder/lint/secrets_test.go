package lint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/lint"
)

// secretCommands hold s3cret wherever a command may have one, quoted in every way.
var secretCommands = [][]string{
	{"CMD-SHELL", "curl -u admin:s3cret localhost"},
	{"CMD-SHELL", "curl -fsSu 'admin:s3cret and more s3cret' localhost"},
	{"CMD-SHELL", "curl -uadmin:s3cret localhost"},
	{"CMD-SHELL", `curl --user "admin:a b\" s3cret" localhost`},
	{"CMD-SHELL", "curl --user=admin:s3cret localhost"},
	{"CMD-SHELL", "curl --proxy-user admin:s3cret localhost"},
	{"CMD-SHELL", "curl -H 'Authorization: Bearer s3cret' localhost"},
	{"CMD-SHELL", `curl -H "Authorization: Bearer s3cret" localhost`},
	{"CMD-SHELL", `curl -HX-Api-Key:s3cret localhost`},
	{"CMD-SHELL", `curl --header="X-Auth: s3cret" localhost`},
	{"CMD-SHELL", `curl --oauth2-bearer s3cret localhost`},
	{"CMD-SHELL", `curl -d '{"password": "s3cret"}' localhost`},
	{"CMD-SHELL", `sh -c "curl -H \"Authorization: Bearer s3cret\" localhost"`},
	{"CMD-SHELL", `sh -c 'curl -u admin:s3cret localhost'`},
	{"CMD-SHELL", `test "$(curl -u admin:s3cret localhost)" = ok`},
	{"CMD-SHELL", "curl -u admin:s3cret 'localhost"},
	{"CMD-SHELL", "wget --user=admin --password=s3cret localhost"},
	{"CMD-SHELL", "wget --http-password s3cret localhost"},
	{"CMD-SHELL", "curl http://admin:s3cret@localhost/"},
	{"CMD-SHELL", "curl 'http://localhost/?a=b&token=s3cret&c=d'"},
	{"CMD-SHELL", "curl http://localhost/?access_token=s3cret"},
	{"CMD-SHELL", "curl localhost/?key=s3cret"},
	{"CMD-SHELL", "PGPASSWORD=s3cret pg_isready"},
	{"CMD-SHELL", "export MYSQL_PWD='s3cret'; mysqladmin ping"},
	{"CMD-SHELL", "mysqladmin ping -h localhost -u root -ps3cret"},
	{"CMD-SHELL", "redis-cli -h localhost -a s3cret ping"},
	{"CMD-SHELL", "mongosh -u root -p s3cret --eval ping"},
	{"CMD-SHELL", `printf 'AUTH s3cret\r\nPING\r\n' | nc localhost 6379`},
	{"CMD", "curl", "-u", "admin:s3cret", "localhost"},
	{"CMD", "curl", "-uadmin:two s3cret", "localhost"},
	{"CMD", "curl", "--user", "admin:s 's3cret", "localhost"},
	{"CMD", "curl", "-H", "Authorization: Bearer 's3cret", "localhost"},
	{"CMD", "curl", "-fsH", "X-Any: s3cret", "localhost"},
	{"CMD", "curl", "--header=Authorization: Basic s3cret", "localhost"},
	{"CMD", "/usr/bin/healthcheck", "-header=Authorization: s3cret", "http://:8080/"},
	{"CMD", "/usr/bin/healthcheck", "-header", "Authorization: s3cret", "http://:8080/"},
	{"CMD", "grpc_health_probe", "-rpc-header", "authorization: s3cret"},
	{"CMD", "mysqladmin", "ping", "-ps3cret"},
	{"CMD", "redis-cli", "-a", "s3cret", "ping"},
	{"CMD", "sh", "-c", "curl -u admin:s3cret localhost"},
	{"CMD", "curl", "http://localhost/?token=s3cret", ">", "/dev/null"},
	{"CMD", "curl -u admin:s3cret localhost"},
	{"CMD", `"curl",`, `"-u",`, `"admin:s3cret",`, `"localhost"`},
	{`["CMD", "curl", "-H", "Authorization: Bearer s3cret", "localhost"]`},
	{`["CMD-SHELL",`, `"curl -u admin:s3cret localhost"]`},
	{"curl", "-u", "admin:s3cret", "localhost"},
	{"CMD-SHELL", "curl", "-u", "admin:s3cret", "localhost"},
}

// No format of findings shows a secret of a command, of the file or of the image.
func TestSecrets(t *testing.T) {
	for _, command := range secretCommands {
		test, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name, file string, img v1.Image) {
			open := func(context.Context, string, v1.Platform) (v1.Image, error) { return img, nil }
			findings, err := lint.File(t.Context(), name, []byte(file), lint.Options{Open: open})
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, format := range lint.Formats() {
				var out bytes.Buffer
				if err := lint.Write(&out, format, "", findings); err != nil {
					t.Fatal(err)
				}
				if text := out.String(); strings.Contains(text, "s3cret") {
					t.Errorf("%s in %s:\n%s", test, format, text)
				}
			}
		}
		for _, made := range []string{"made by ko", "", "config {\"Healthcheck\": {\"Test\": " + string(test) + "}}"} {
			img, err := describe("layer\n/check elf amd64\n" + made)
			if err != nil {
				t.Fatal(err)
			}
			check("task.json", `{"containerDefinitions": [{"name": "app", "image": "app", "healthCheck": {"command": `+string(test)+`}}, {"name": "none", "image": "app"},
				{"name": "other", "image": "app", "healthCheck": {"command": ["CMD", "/other"]}}]}`, img)
			check("compose.yaml", `{"services": {"app": {"image": "app", "healthcheck": {"test": `+string(test)+`}}, "dollar": {"healthcheck": {"test": ["CMD", "$HOME/check", `+string(test[1:])+`}},
				"none": {"image": "app"}, "other": {"image": "app", "healthcheck": {"test": ["CMD", "/other"]}}}}`, img)
		}
	}
}
