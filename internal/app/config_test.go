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
		"unknown key":       {file: "lissten: x\n", want: []string{"lissten", "thimble.yaml"}},
		"not a mapping":     {file: "- 1\n", want: []string{"thimble.yaml"}},
		"bad number":        {flags: map[string]string{"max-body": "many"}, want: []string{"max-body", "--max-body"}},
		"bad port":          {flags: map[string]string{"listen": "localhost:http"}, want: []string{"listen", "port"}},
		"no port":           {flags: map[string]string{"listen": "localhost"}, want: []string{"listen"}},
		"plain on network":  {flags: map[string]string{"listen": "0.0.0.0:80"}, want: []string{"listen", "tls-cert"}},
		"plain on all":      {flags: map[string]string{"listen": ":80"}, want: []string{"listen", "tls-cert"}},
		"half of TLS":       {flags: map[string]string{"tls-cert": "x"}, want: []string{"tls-key"}},
		"unknown level":     {flags: map[string]string{"log-level": "loud"}, want: []string{"log-level"}},
		"other database":    {flags: map[string]string{"database-url": "mysql://x"}, want: []string{"database-url"}},
		"negative duration": {flags: map[string]string{"shutdown": "-1s"}, want: []string{"shutdown"}},
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

func TestPrintedConfigurationHidesSecrets(t *testing.T) {
	c, err := Load(map[string]string{"root-passphrase": "hunter2", "database-url": "postgres://u:hunter2@h/d"}, none, os.DevNull)
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
