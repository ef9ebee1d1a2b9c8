package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
)

func TestRulesForListsAreReadOrRefusedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"max_boost": 10, "boosts": [{"words": "our own brand", "percent": 10, "brand": "Own"}]}`)
	read, err := listRules(file)
	if err != nil {
		t.Fatal(err)
	}
	if rules, err := read(context.Background()); err != nil || rules.Boosts[0].Brand != "Own" {
		t.Errorf("got %+v, %v", rules, err)
	}
	write(`{"max_boost": 10, "boosts": [{"words": "our own brand", "percent": 11, "brand": "Own"}]}`)
	if _, err := listRules(file); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "boosts[0].percent") {
		t.Errorf("got %v", err)
	}
	if _, err := listRules(file + ".none"); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a missing file: %v", err)
	}
	if read, err := listRules(""); read != nil || err != nil {
		t.Errorf("without a file: %v", err)
	}
}
