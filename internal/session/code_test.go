package session

import (
	"bytes"
	"strings"
	"testing"
)

func TestACodeIsReadAsItsOwnerMeansIt(t *testing.T) {
	want := CodeHash("browser", "k7pw-03f1")
	for _, typed := range []string{"K7PW-03F1", " k7pw 03f1 ", "k7pwo3fi", "k7pw\u201103fl", "k7pw03f1"} {
		if !bytes.Equal(CodeHash("browser", typed), want) {
			t.Errorf("%q is not taken for the code", typed)
		}
	}
	for _, wrong := range []string{"", "k7pw-03f2", "k7pw-03f", "k7pw-03f11", strings.Repeat("k7pw-03f1", 100)} {
		if bytes.Equal(CodeHash("browser", wrong), want) {
			t.Errorf("%q is taken for the code", wrong)
		}
	}
	if bytes.Equal(CodeHash("another browser", "k7pw-03f1"), want) {
		t.Error("the code opens in another browser")
	}
}

func TestCodesAreDrawnFromAllThereAre(t *testing.T) {
	seen, signs := map[string]bool{}, map[rune]int{}
	for range 4000 {
		code, err := NewCode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(code) != 9 || code[4] != '-' || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		for _, r := range strings.ReplaceAll(code, "-", "") {
			signs[r]++
		}
	}
	for _, r := range codeAlphabet { // 1,000 of each are expected; 5 standard deviations are 156
		if n := signs[r]; n < 840 || n > 1160 {
			t.Errorf("%q was drawn %d times of 32,000", r, n)
		}
	}
}
