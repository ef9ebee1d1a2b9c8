package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const folder = "../../sdk/js"

func TestTheModulesInTheTreeAreThoseThatAreBuilt(t *testing.T) {
	modules, err := buildAll(folder)
	if err != nil {
		t.Fatal(err)
	}
	again, err := buildAll(folder)
	made, stampErr := stamp(folder, modules)
	if err != nil || stampErr != nil {
		t.Fatal(err, stampErr)
	}
	want := map[string][]byte{"build.json": made}
	for name, module := range modules {
		want[name+".js"] = module
		if !bytes.Equal(module, again[name]) {
			t.Errorf("the same sources gave other bytes of %s", name)
		}
	}
	for name, want := range want {
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
