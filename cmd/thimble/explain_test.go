package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/thimbletest"
)

// decided is an installation in a folder in which a list was made for ada.
func decided(t *testing.T, folder string) (s *thimbletest.Shop, ada thimble.SubjectID, id, receipt, key string) {
	t.Helper()
	cfg, err := app.Load(map[string]string{"data": folder}, func(string) string { return "" }, os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s = &thimbletest.Shop{App: a, TB: t}
	s.Employs("owner")
	s.Employs("eve")
	may := thimbletest.Allows(thimble.TrainAISystem, thimble.PersonalizeContent)
	for i := range 8 {
		s.Buys(s.Subject(string(rune('a'+i)), may...), "shirt", "belt", thimble.ItemID("extra-"+string(rune('a'+i%4))))
	}
	ada = s.Subject("ada", may...)
	s.Buys(ada, "shirt")
	s.Works()
	list := s.Sees(ada)
	if !list.Personal {
		t.Fatalf("the list is not personal: %s", list.Why)
	}
	s.Works()
	d, err := a.Decisions.Get(t.Context(), list.Decision)
	if err != nil {
		t.Fatal(err)
	}
	_, opening, err := a.PeekDecision(t.Context(), "owner", d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Ledger.Receipt(t.Context(), opening)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return s, ada, list.Decision.Token(decision.TokenPrefix), string(text), a.Ledger.VerifierKey()
}

func explains(args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = run(context.Background(), append([]string{"explain"}, args...), &o, &e)
	return o.String(), e.String(), code
}

func TestExplainDoesADecisionAgainAndTheCustomerSeesWhoAsked(t *testing.T) {
	folder := t.TempDir()
	s, ada, id, receipt, key := decided(t, folder)
	uses := func() (n int) {
		all, err := s.Uses.Of(t.Context(), ada, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			if u.Kind == gate.Staff && u.Actor == "eve" {
				n++
			}
		}
		return n
	}
	for _, to := range decision.Audiences {
		out, errs, code := explains(id, "--data", folder, "--staff", "eve", "--for", string(to))
		if code != 0 || !strings.Contains(out, "record: equal.") || !strings.Contains(out, "Receipt: genuine.") || !strings.Contains(out, "Model: equal.") {
			t.Errorf("for the %s: %d, %s\n%s", to, code, errs, out)
		}
	}
	if uses() != 3 {
		t.Errorf("ada sees %d looks by eve, want 3", uses())
	}
	var e explanation
	out, errs, code := explains(id, "--data", folder, "--staff", "eve", "--json")
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 || e.ID != id || e.Standing != decision.Stands || len(e.Record) == 0 {
		t.Errorf("as JSON: %v, %d, %s, %s", err, code, errs, out)
	}
	if _, errs, code := explains(id, "--data", folder); code != 1 || !strings.Contains(errs, "--staff") {
		t.Errorf("without a name: %d, %s", code, errs)
	}
	file := filepath.Join(t.TempDir(), "mine.receipt")
	if err := os.WriteFile(file, []byte(receipt), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := explains(file, "--key", key); code != 0 || !strings.Contains(out, "Receipt: genuine.") || !strings.Contains(out, "record: equal.") {
		t.Errorf("from the receipt: %d, %s\n%s", code, errs, out)
	}
	s.Buys(ada, "belt")
	if _, err := s.App.Shop.Train(t.Context(), "an order", nil); err != nil {
		t.Fatal(err)
	}
	if out, _, code := explains(id, "--data", folder, "--staff", "eve"); code != 0 || !strings.Contains(out, "Model: gone") || !strings.Contains(out, "record: equal.") {
		t.Errorf("when the model is gone: %d\n%s", code, out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestExplainEndsWithOneWhenTheDecisionComesOutOtherwise(t *testing.T) {
	r := decisiontest.List(rand.New(rand.NewPCG(1, 0)), 3, 4)
	r.Results[0].Score++
	record, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	o, err := ledger.Commit(ledger.Entry{Class: ledger.Decision, At: r.At, Record: record}, [ledger.SaltSize]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/ledger", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Append(nil, o.Hash())
	head, err := ledger.SignCheckpoint(signer, tree.Head())
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&ledger.Receipt{Opening: o, Note: head.Note}).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "wrong.receipt")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := explains(file, "--key", signer.VerifierKey())
	if code != 1 || !strings.Contains(out, "Receipt: genuine.") || !strings.Contains(out, "record: differs: ") || !strings.Contains(errs, "otherwise") {
		t.Errorf("got %d, %q\n%s", code, errs, out)
	}
	for _, bad := range [][]string{{}, {"dec_nonsense", "--staff", "eve"}, {filepath.Join(t.TempDir(), "none")}, {file, "--for", "nobody"}} {
		if _, errs, code := explains(bad...); code == 0 || errs == "" {
			t.Errorf("%q: %d, %q", bad, code, errs)
		}
	}
}
