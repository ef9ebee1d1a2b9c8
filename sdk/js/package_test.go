package js_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience bounds how long npm may take.
const patience = time.Minute

// missing ends a test that needs Node: by skipping it, and with THIMBLE_REQUIRE_NODE=1 by
// failing it.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// run runs a command in a folder and returns what it said.
func run(t *testing.T, folder, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.WaitDelay = folder, time.Second
	c.Env = append(os.Environ(), "npm_config_update_notifier=false", "npm_config_audit=false", "npm_config_fund=false")
	out, err := c.Output()
	if e, ok := err.(*exec.ExitError); ok {
		out = append(out, e.Stderr...)
	}
	return string(out), err
}

func needsNode(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "%v", err)
		}
	}
}

// compiler returns the path of TypeScript's compiler, in a folder that is kept between
// runs and named after what it holds.
func compiler(t *testing.T) string {
	t.Helper()
	needsNode(t)
	lock, err := os.ReadFile("testdata/typescript/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs(fmt.Sprintf("../../.cache/typescript-%x", sha256.Sum256(lock))[:len("../../.cache/typescript-")+16])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "node_modules", "typescript", "bin", "tsc")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "typescript-")
	if err == nil {
		err = os.CopyFS(fresh, os.DirFS("testdata/typescript"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, fresh, "npm", "ci", "--ignore-scripts", "--prefer-offline"); err != nil {
		_ = os.RemoveAll(fresh)
		missing(t, "TypeScript cannot be had: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, folder); err != nil { // another test was quicker
		_ = os.RemoveAll(fresh)
	}
	return path
}

// The sources keep to the declarations that are published, and the declarations refuse
// what they are to refuse.
func TestTheTypesHold(t *testing.T) {
	if out, err := run(t, ".", "node", compiler(t), "-p", "."); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

func TestThePackageHoldsWhatItIsToHoldAndNothingElse(t *testing.T) {
	needsNode(t)
	out, err := run(t, ".", "npm", "pack", "--dry-run", "--json")
	if err != nil {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
	var packed []struct {
		Files []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(out), &packed); err != nil || len(packed) != 1 {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
	var got []string
	for _, f := range packed[0].Files {
		got = append(got, f.Path)
	}
	slices.Sort(got)
	want := []string{
		"CHANGELOG.md", "LICENSE", "README.md", "dist/build.json", "dist/rank.js", "dist/thimble.js", "package.json",
		"rank.d.ts", "src/banner.ts", "src/context.ts", "src/queue.ts", "src/rank.ts", "src/standing.ts", "src/style.ts", "src/thimble.ts", "src/version.ts", "thimble.d.ts",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the package holds (-want +got):\n%s", diff)
	}
}

// Who installs the package finds its types, and may import it where there is no browser, such as when pages are made on a server.
func TestAProjectThatInstallsThePackageCompilesAndImportsIt(t *testing.T) {
	tsc := compiler(t)
	project := t.TempDir()
	out, err := run(t, ".", "npm", "pack", "--pack-destination", project)
	if err != nil {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
	packed, err := filepath.Glob(filepath.Join(project, "*.tgz"))
	if err != nil || len(packed) != 1 {
		t.Fatalf("packed: %q, %v", packed, err)
	}
	types, err := os.ReadFile("test/types.ts")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"tsconfig.json": `{"compilerOptions": {"strict": true, "noEmit": true, "skipDefaultLibCheck": true, "target": "es2022", "module": "nodenext", "types": []}, "files": ["shop.ts"]}`,
		"package.json":  `{"name": "shop", "private": true, "type": "module"}`, "shop.ts": string(types),
		"server.mjs": `import {load, version} from "@thimble/js"; console.log(typeof load, version);`,
	} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(t, project, "npm", "install", "--ignore-scripts", "--offline", packed[0]); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	// Bundlers resolve as the test before does; this is how Node does.
	if out, err := run(t, project, "node", tsc, "-p", "."); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
	out, err = run(t, project, "node", "server.mjs")
	if want := "function " + packageVersion(t); err != nil || strings.TrimSpace(out) != want {
		t.Errorf("imported without a browser: %q, %v; want %q", out, err, want)
	}
}

func packageVersion(t *testing.T) string {
	t.Helper()
	var p struct{ Version string }
	b, err := os.ReadFile("package.json")
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.Version
}
