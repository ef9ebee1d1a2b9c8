package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
)

func none(string) string { return "" }

func TestFlagsWinOverEnvironmentOverFileOverDefaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "thimble.yaml")
	if err := os.WriteFile(file, []byte("data: from-file\nlog-level: warn\nlisten: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(key string) string {
		return map[string]string{"THIMBLE_DATA": "from-env", "THIMBLE_LISTEN": "127.0.0.1:2"}[key]
	}
	c, err := Load(map[string]string{"listen": "127.0.0.1:3"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.Data != "from-env" || c.LogLevel != "warn" || c.LogFormat != "text" {
		t.Errorf("got listen %s, data %s, log-level %s, log-format %s", c.Listen, c.Data, c.LogLevel, c.LogFormat)
	}
}

func TestBadConfigurationNamesTheKeyAndItsSource(t *testing.T) {
	for name, c := range map[string]struct {
		flags map[string]string
		file  string
		want  []string
	}{
		"unknown key":                    {file: "lissten: x\n", want: []string{"lissten", "thimble.yaml"}},
		"not a mapping":                  {file: "- 1\n", want: []string{"thimble.yaml"}},
		"bad number":                     {flags: map[string]string{"max-body": "many"}, want: []string{"max-body", "--max-body"}},
		"bad port":                       {flags: map[string]string{"listen": "localhost:http"}, want: []string{"listen", "port"}},
		"no port":                        {flags: map[string]string{"listen": "localhost"}, want: []string{"listen"}},
		"plain on network":               {flags: map[string]string{"listen": "0.0.0.0:80"}, want: []string{"listen", "tls-cert"}},
		"plain on all":                   {flags: map[string]string{"listen": ":80"}, want: []string{"listen", "tls-cert"}},
		"half of TLS":                    {flags: map[string]string{"tls-cert": "x"}, want: []string{"tls-key"}},
		"unknown level":                  {flags: map[string]string{"log-level": "loud"}, want: []string{"log-level"}},
		"other database":                 {flags: map[string]string{"database-url": "mysql://x"}, want: []string{"database-url"}},
		"a buffer of another kind":       {flags: buffered("nats-mode", "remote"), want: []string{"nats-mode", "embedded"}},
		"a buffer without an archive":    {flags: buffered("database-url", ""), want: []string{"nats-mode", "database-url"}},
		"two nodes":                      {flags: buffered("nats-members", "a=127.0.0.1:6222 b=127.0.0.1:6223"), want: []string{"nats-members", "3"}},
		"no member of the members":       {flags: buffered("nats-node", "d"), want: []string{"nats-node"}},
		"no secret of the nodes":         {flags: buffered("nats-secret", "short"), want: []string{"nats-secret", "16"}},
		"no room for what waits":         {flags: buffered("nats-max-bytes", "1"), want: []string{"nats-max-bytes"}},
		"no number of bytes":             {flags: buffered("nats-max-bytes", "many"), want: []string{"nats-max-bytes"}},
		"a certificate without its key":  {flags: buffered("nats-tls-cert", "a.pem"), want: []string{"nats-tls-cert", "nats-tls-key", "nats-tls-ca"}},
		"nodes in the clear on networks": {flags: buffered("nats-members", "a=127.0.0.1:6222 b=10.0.0.2:6222 c=10.0.0.3:6222"), want: []string{"nats-tls-cert", "certificates are needed"}},
		"negative duration":              {flags: map[string]string{"shutdown": "-1s"}, want: []string{"shutdown"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "thimble.yaml")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(c.flags, none, file)
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
		})
	}
}

// buffered is a configuration of a node of three, with one setting changed.
func buffered(key, value string) map[string]string {
	flags := map[string]string{
		"database-url": "postgres://localhost/x", "nats-mode": "embedded", "nats-node": "a", "nats-members": "a=127.0.0.1:6222 b=127.0.0.1:6223 c=127.0.0.1:6224", "nats-secret": "a secret of the nodes",
	}
	flags[key] = value
	return flags
}

func TestANodeOfThreeIsConfiguredOnLoopbackOrWithCertificates(t *testing.T) {
	for name, flags := range map[string]map[string]string{
		"loopback":     buffered("nats-node", "b"),
		"off":          {"nats-mode": "off", "nats-node": "anything"},
		"certificates": buffered("nats-tls-cert", "a.pem"),
	} {
		if name == "certificates" {
			flags["nats-tls-key"], flags["nats-tls-ca"], flags["nats-members"] = "a.key", "ca.pem", "a=10.0.0.1:6222 b=10.0.0.2:6222 c=10.0.0.3:6222"
		}
		if _, err := Load(flags, none, os.DevNull); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrintedConfigurationHidesSecrets(t *testing.T) {
	c, err := Load(map[string]string{"root-passphrase": "hunter2", "database-url": "postgres://u:hunter2@h/d", "nats-secret": "hunter2 of the nodes"}, none, os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "[hidden]") {
		t.Errorf("printed:\n%s", out.String())
	}
}
