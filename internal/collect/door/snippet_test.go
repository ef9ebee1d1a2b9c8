package door_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/web/webtest"
)

// Each program that the console offers to copy is run as it stands, and its event arrives.
func TestEachProgramToCopySendsItsEvent(t *testing.T) {
	for _, kind := range source.Kinds() {
		for _, program := range source.Snippets(intake.Source{Kind: kind}, "", "") { // that of our own SDK is run in sdk/js
			t.Run(program.Name, func(t *testing.T) {
				origin := ""
				var origins []string
				if kind == intake.Browser {
					webtest.Start(t)
					origin = pageServer(t, node(t))
					origins = []string{origin}
				}
				s := installed(t, kind, false, origins...)
				key := s.key
				if kind == intake.Server {
					key = "" // it is in the environment
				}
				var code string
				for _, p := range source.Snippets(intake.Source{Kind: kind}, s.url+"/", key) {
					if p.Name == program.Name {
						code = p.Code
					}
				}
				s.copied(t, program.Name, code, origin)
				for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
					// Nobody knows the person, so what is kept is that it happened.
					if all := s.stored(t); len(all) == 1 && len(all[0].Counts) == 1 && all[0].Counts[0].Event == "Product Viewed" && all[0].Counts[0].Item == "SHIRT-12" {
						return
					} else if time.Now().After(deadline) {
						t.Fatalf("stored is %+v", all)
					}
				}
			})
		}
	}
}

// copied runs a program where its reader would.
func (s shop) copied(t *testing.T, name, code, origin string) {
	t.Helper()
	dir, env := t.TempDir(), []string{"WRITE_KEY=" + s.key}
	write := func(file string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch name {
	case "curl", "app":
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("there is no curl on the path")
		}
		if out := run(t, dir, env, "sh", "-c", code); out != `{"success": true}` {
			t.Errorf("it prints %s", out)
		}
	case "node":
		dir = t.TempDir()
		if err := os.Symlink(filepath.Join(node(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		write("program.mjs")
		run(t, dir, env, "node", "program.mjs")
	case "go":
		analyticsGo(t) // its module is there
		for _, file := range []string{"go.mod", "go.sum"} {
			b, err := os.ReadFile(filepath.Join("testdata/analytics-go", file))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		write("main.go")
		run(t, dir, append(env, "GOFLAGS=-mod=mod", "GOWORK=off"), "go", "run", ".")
	case "browser", "beacon":
		tab := webtest.Start(t).Open(origin+"/", webtest.Desk)
		if name == "browser" {
			// As a bundler would: a module, whose import the page's map resolves.
			tab.Eval(`(() => { const s = document.createElement('script'); s.type = 'module'; s.textContent = `+quoted(code)+`; document.head.append(s); return true })()`, new(bool))
			return
		}
		tab.Eval(code, new(bool))
	default:
		t.Fatalf("nothing runs %s", name)
	}
}

// quoted is a text as a JavaScript string.
func quoted(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "${", "\\${").Replace(s) + "`"
}
