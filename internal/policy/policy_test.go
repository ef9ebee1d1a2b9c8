package policy

import (
	"errors"
	"strings"
	"testing"

	"thimble"
)

func baseline(t *testing.T) *Pack {
	t.Helper()
	p, err := Baseline()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBaselineAsksConsentForWhatAContractDoesNotNeed(t *testing.T) {
	for _, c := range []struct {
		use        thimble.Purpose
		categories []thimble.Category
		want       Mode
	}{
		{thimble.EssentialService, nil, Allow},
		{thimble.SupportOperations, []thimble.Category{thimble.PurchaseHistory}, Allow},
		{thimble.PersonalizeContent, []thimble.Category{thimble.PurchaseHistory}, OptIn},
		{thimble.TrainAISystem, []thimble.Category{thimble.PurchaseHistory}, OptIn},
		{thimble.TrainAISystem, []thimble.Category{"user.biometric.health"}, OptInExplicit},
		{thimble.EssentialService, []thimble.Category{"user.social"}, Prohibited},
		{thimble.EssentialService, []thimble.Category{"user.financial"}, Prohibited}, // holds the card number
		{"resell", nil, Prohibited},
		{"", nil, Prohibited},
		{"essential.servicex", nil, Prohibited},
	} {
		if got := baseline(t).Find(c.use, c.categories...); got.Mode != c.want {
			t.Errorf("Find(%q, %v) = %s (%s), want %s", c.use, c.categories, got.Mode, got.Cite, c.want)
		}
	}
}

func TestEveryFindingNamesItsSource(t *testing.T) {
	p := baseline(t)
	for _, r := range p.Purposes {
		if f := p.Find(r.Use); f.Pack != p.Ref() || f.Cite == "" || f.Basis == "" {
			t.Errorf("Find(%s) = %+v, want pack, citation and basis", r.Use, f)
		}
	}
}

func TestBadPackIsRefusedWithTheReason(t *testing.T) {
	const head = "pack: thimble.regpack/v1\nid: x\nversion: '1'\ntitle: X\nkind: privacy\neffective: {from: 2026-01-01}\n"
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":    {head + "colour: red\n", "line 7"},
		"duplicate key":  {head + "id: y\n", "line"},
		"unknown mode":   {head + "purposes: [{use: a, mode: maybe, basis: b, cite: c}]\n", "mode"},
		"uncited":        {head + "purposes: [{use: a, mode: allow, basis: b}]\n", "cite"},
		"two rules":      {head + "purposes: [{use: a, mode: allow, basis: b, cite: c}, {use: a, mode: opt_in, basis: b, cite: c}]\n", "two rules"},
		"other format":   {strings.Replace(head, "/v1", "/v9", 1), "v9"},
		"no date":        {strings.Replace(head, "effective: {from: 2026-01-01}\n", "", 1), "effective"},
		"two documents":  {head + "---\nid: z\n", "second document"},
		"not a mapping":  {"- 1\n", "line 1"},
		"empty":          {"", "EOF"},
		"uncited secret": {head + "sensitive: [{category: user.biometric, mode: opt_in}]\n", "cite"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse = %v, want ErrInvalid with %q", err, c.want)
			}
		})
	}
}

func TestOneChangedValueChangesTheHash(t *testing.T) {
	text, err := packs.ReadFile("packs/baseline.strict.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := Parse([]byte(strings.Replace(string(text), "use: analytics, mode: opt_in", "use: analytics, mode: opt_out", 1)))
	if err != nil {
		t.Fatal(err)
	}
	commented, err := Parse(append([]byte("# a remark\n"), text...))
	if err != nil {
		t.Fatal(err)
	}
	if want := baseline(t).Hash(); changed.Hash() == want || commented.Hash() != want {
		t.Errorf("hash: changed %x, commented %x, original %x", changed.Hash(), commented.Hash(), want)
	}
}
