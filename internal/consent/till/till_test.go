package till

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

var (
	now    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	key    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public = key.Public().(ed25519.PublicKey)
	shown  = consent.Current().Ref().SHA256
)

func known() Known {
	return Known{
		Now: now,
		Key: func(till, id string) ed25519.PublicKey {
			if till == "till-7" && id == KeyID(public) {
				return public
			}
			return nil
		},
		Used:   func(_ string, sequence int64) bool { return sequence == 1 },
		Notice: func(h string) (consent.Notice, bool) { return consent.Current(), h == shown },
	}
}

func header() Header {
	return Header{Till: "till-7", Notice: shown, Sequence: 2, Created: now.Add(-time.Hour)}
}

func says(value string, choice consent.State, purposes ...thimble.Purpose) Entry {
	return Entry{Kind: subject.Email, Value: value, Purposes: purposes, Choice: choice, At: now.Add(-2 * time.Hour), Notice: shown}
}

const (
	content = thimble.PersonalizeContent
	train   = thimble.TrainAISystem
)

func written(t testing.TB, h Header, entries ...Entry) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Sign(&out, h, entries, key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verified(t testing.TB, text []byte, k Known) ([]Choice, []Reject, error) {
	t.Helper()
	b, err := Read(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	return b.Verify(k)
}

func TestASignedBatchGivesItsChoices(t *testing.T) {
	text := written(t, header(), says("Ada@Example.org", consent.Given, content, train), says("bob@example.org", consent.Withdrawn, train))
	choices, rejects, err := verified(t, text, known())
	if err != nil || len(choices) != 3 || len(rejects) != 0 {
		t.Fatalf("%v, %v, %v, want three choices", choices, rejects, err)
	}
	c := choices[0]
	if c.Who.Value.Reveal() != "ada@example.org" || c.Purpose != content || c.State != consent.Given || c.Line != 2 || c.Notice.Ref().SHA256 != shown {
		t.Errorf("the first choice is %+v", c)
	}
}

func TestBlanksAndTheOrderOfKeysDoNotMatter(t *testing.T) {
	text := written(t, header(), says("ada@example.org", consent.Given, content))
	var out [][]byte
	for line := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("\n")) {
		var keys map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&keys); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, append([]byte("  "), sorted...))
	}
	if choices, _, err := verified(t, bytes.Join(out, []byte("\n")), known()); err != nil || len(choices) != 1 {
		t.Errorf("%v, %v, want one choice", choices, err)
	}
}

func TestABatchOfDoubtfulOriginCountsNot(t *testing.T) {
	good := written(t, header(), says("ada@example.org", consent.Given, content))
	change := func(f func(*Header)) []byte {
		h := header()
		f(&h)
		return written(t, h, says("ada@example.org", consent.Given, content))
	}
	replace := func(from, to string) []byte {
		out := bytes.Replace(good, []byte(from), []byte(to), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("nothing to replace: %s", from)
		}
		return out
	}
	other := known()
	other.Key = func(string, string) ed25519.PublicKey { return nil }
	for name, row := range map[string]struct {
		text []byte
		k    Known
		kind error
		want string
	}{
		"an unknown key":            {good, other, thimble.ErrDenied, "key:"},
		"another till's key":        {change(func(h *Header) { h.Till = "till-8" }), known(), thimble.ErrDenied, "key:"},
		"a choice turned round":     {replace(`"given"`, `"refused"`), known(), thimble.ErrDenied, "signature:"},
		"another person":            {replace("ada@", "eve@"), known(), thimble.ErrDenied, "signature:"},
		"another number":            {replace(`"sequence":2`, `"sequence":3`), known(), thimble.ErrDenied, "signature:"},
		"a number used before":      {change(func(h *Header) { h.Sequence = 1 }), known(), thimble.ErrConflict, "sequence:"},
		"a clock from tomorrow":     {change(func(h *Header) { h.Created = now.Add(24 * time.Hour) }), known(), thimble.ErrInvalid, "created_at:"},
		"a notice never shown":      {change(func(h *Header) { h.Notice = strings.Repeat("0", 64) }), known(), thimble.ErrInvalid, "notice:"},
		"a key twice":               {replace(`{"kind":`, `{"kind":"phone","kind":`), known(), thimble.ErrInvalid, "line 2: an entry: a key comes twice"},
		"an unknown field":          {replace(`{"kind":`, `{"age":7,"kind":`), known(), thimble.ErrInvalid, "line 2: an entry: an unknown key"},
		"an entry too few":          {replace(`"entries":1`, `"entries":2`), known(), thimble.ErrInvalid, "line 1: entries: the header says 2, there are 1"},
		"another format":            {replace("consent-batch/v1", "consent-batch/v2"), known(), thimble.ErrInvalid, "line 1: thimble:"},
		"no signature":              {good[:bytes.LastIndexByte(good[:len(good)-1], '\n')+1], known(), thimble.ErrInvalid, ""},
		"half a signature":          {replace(`"signature":"`, `"signature":"AAAA`), known(), thimble.ErrInvalid, "64 bytes"},
		"no JSON":                   {[]byte("hello\nada@example.org\n"), known(), thimble.ErrInvalid, "line 1"},
		"nothing":                   {nil, known(), thimble.ErrInvalid, "a header, entries and a signature"},
		"a line behind the closing": {append(slices.Clone(good), good...), known(), thimble.ErrInvalid, "entries"},
		"too much":                  {bytes.Repeat([]byte("x"), MaxBytes+1), known(), thimble.ErrInvalid, "close the batch earlier"},
	} {
		choices, _, err := verified(t, row.text, row.k)
		if !errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.want) || len(choices) != 0 {
			t.Errorf("%s: %d choices, %v, want the kind %v and %q", name, len(choices), err, row.kind, row.want)
		}
		if err != nil && strings.Contains(err.Error(), "example.org") {
			t.Errorf("%s: the error names a person: %v", name, err)
		}
	}
}

// Any bit of what is signed, and of the signature, counts.
func TestNoChangedBitPasses(t *testing.T) {
	good := written(t, header(), says("ada@example.org", consent.Given, content), says("bob@example.org", consent.Refused, train))
	want, err := Read(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	text, err := want.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range len(good) * 8 {
		bad := slices.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		b, err := Read(bytes.NewReader(bad))
		if err == nil {
			_, _, err = b.Verify(known())
		}
		if err != nil {
			refused++
			continue
		}
		// What passes says the same, in another spelling: key names know no case.
		if got, err := b.Canonical(); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("bit %d changed what is said, and passes", i)
		}
	}
	if refused < len(good)*7 {
		t.Errorf("only %d of %d changes were refused", refused, len(good)*8)
	}
	t.Logf("%d of %d changed bits refused; the others say the same", refused, len(good)*8)
}

func TestABadEntryIsLeftOutAndTheRestCounts(t *testing.T) {
	future := says("ada@example.org", consent.Given, content)
	future.At = now
	unseen := says("ada@example.org", consent.Given, content)
	unseen.Notice = "0000"
	no := says("cy@example.org", consent.Withdrawn, content)
	no.Notice = ""
	text := written(t, header(),
		says("not an address", consent.Given, content), // 2
		says("ada@example.org", "maybe", content),      // 3
		says("ada@example.org", consent.Given, "resell"),
		says("ada@example.org", consent.Given),
		future,
		unseen,
		no, // 8: a no needs no proof
		says("dee@example.org", consent.Given, train), // 9
		says("Dee@example.org", consent.Refused, train),
		says("eve@example.org", consent.Given, train), // 11
		says("eve@example.org", consent.Given, train),
	)
	choices, rejects, err := verified(t, text, known())
	if err != nil {
		t.Fatal(err)
	}
	want := []Reject{{2, ruleIdentifier}, {3, ruleChoice}, {4, rulePurpose}, {5, rulePurpose}, {6, ruleFuture}, {7, ruleNotice}, {9, ruleBoth}, {12, ruleTwice}}
	if !slices.Equal(rejects, want) {
		t.Errorf("left out: %v, want %v", rejects, want)
	}
	var kept []int
	for _, c := range choices {
		kept = append(kept, c.Line)
	}
	if !slices.Equal(kept, []int{8, 10, 11}) || choices[1].State != consent.Refused {
		t.Errorf("lines %v count, want 8, 10 and 11", kept)
	}
}

// Whatever the order of entries, a no in a batch is never lost to a yes.
func TestInABatchNoHoldsWhateverTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := []string{"a@example.org", "b@example.org"}
		var entries []Entry
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			entries = append(entries, says(rapid.SampledFrom(people).Draw(t, "who"),
				rapid.SampledFrom([]consent.State{consent.Given, consent.Refused, consent.Withdrawn}).Draw(t, "choice"),
				rapid.SampledFrom([]thimble.Purpose{content, train}).Draw(t, "purpose")))
		}
		var out bytes.Buffer
		if err := Sign(&out, header(), entries, key); err != nil {
			t.Fatal(err)
		}
		b, err := Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		choices, rejects, err := b.Verify(known())
		if err != nil || len(choices)+len(rejects) != len(entries) {
			t.Fatalf("%d choices and %d rejects of %d entries, %v", len(choices), len(rejects), len(entries), err)
		}
		for _, c := range choices {
			for _, e := range entries {
				if c.Grants() && e.Value == c.Who.Value.Reveal() && e.Purposes[0] == c.Purpose && e.Choice != consent.Given {
					t.Fatalf("a yes stands against a no in %+v", entries)
				}
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	good := written(f, header(), says("ada@example.org", consent.Given, content, train))
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte(","), []byte(" , ")))
	f.Add([]byte("{}\n{}\n{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("%v is not of kind invalid", err)
			}
			return
		}
		first, err := b.Canonical()
		if err != nil {
			t.Skip("a year that JSON cannot write")
		}
		if choices, _, err := b.Verify(known()); err == nil && len(choices) > 0 && !bytes.Contains(first, []byte("ada@example.org")) {
			t.Fatal("a batch that was never signed passes")
		}
	})
}
