package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const folder = "../../sdk/js"

func TestTheModuleInTheTreeIsTheOneThatIsBuilt(t *testing.T) {
	module, err := build(folder)
	if err != nil {
		t.Fatal(err)
	}
	again, err := build(folder)
	if err != nil || !bytes.Equal(module, again) {
		t.Errorf("the same sources gave other bytes: %v", err)
	}
	made, err := stamp(folder, module)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"thimble.js": module, "build.json": made} {
		if got, err := os.ReadFile(filepath.Join(folder, "dist", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what is built: run make sdk: %v", name, err)
		}
	}
}

func TestAFaultInTheSourcesIsToldWithItsPlace(t *testing.T) {
	broken := t.TempDir()
	if err := os.CopyFS(broken, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(broken, "dist", "thimble.js"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "src", "version.ts"), []byte("export const = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(broken); err == nil || !bytes.Contains([]byte(err.Error()), []byte("version.ts:1")) {
		t.Errorf("the error = %v, want the file and the line", err)
	}
	if after, err := os.ReadFile(filepath.Join(broken, "dist", "thimble.js")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the module was touched: %v", err)
	}
}
