package receipts

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/subject"
)

var (
	now    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	key    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public = key.Public().(ed25519.PublicKey)
)

func header() Header { return Header{Till: "till-7", Sequence: 2, Created: now.Add(-time.Hour)} }

func sold(number, value string) Receipt {
	return Receipt{Number: number, At: now.Add(-2 * time.Hour), Currency: "EUR", Country: "DE", Kind: subject.Email, Value: value,
		Lines: []Line{{Item: "A-1", Name: "Shirt", Units: 2, PriceMinor: 1990}, {Item: "A-2", Units: 1, PriceMinor: 5}}}
}

func written(t testing.TB, h Header, all ...Receipt) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Sign(&out, h, all, key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verified(text []byte, k Known) (*Batch, error) {
	b, err := Read(bytes.NewReader(text))
	if err == nil {
		err = b.Verify(k)
	}
	return b, err
}

// orders are the lines that a batch gives to be imported.
func orders(t *testing.T, b *Batch) string {
	t.Helper()
	src, err := b.Source()
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestASignedBatchGivesItsOrdersOnTheirLines(t *testing.T) {
	back := sold("2", "")
	back.Back, back.Kind = true, ""
	b, err := verified(written(t, header(), sold("1", "ada@example.org"), back), Known{Now: now, Key: public})
	if err != nil {
		t.Fatal(err)
	}
	text := orders(t, b)
	want := "\n" + `{"number":"till/till-7:1","at":"2026-11-22T07:00:00Z","currency":"EUR","country":"DE","email":"ada@example.org","lines":[{"item":"A-1","name":"Shirt","units":"2","price":"19.90"},{"item":"A-2","units":"1","price":"0.05"}]}` + "\n" +
		`{"number":"till/till-7:2","at":"2026-11-22T07:00:00Z","currency":"EUR","country":"DE","lines":[{"item":"A-1","name":"Shirt","units":"-2","price":"19.90"},{"item":"A-2","units":"-1","price":"0.05"}]}` + "\n"
	if text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}

func TestABatchOfDoubtfulOriginCountsNot(t *testing.T) {
	good := written(t, header(), sold("1", "ada@example.org"))
	replace := func(from, to string) []byte {
		out := bytes.Replace(good, []byte(from), []byte(to), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("nothing to replace: %s", from)
		}
		return out
	}
	late := header()
	late.Created = now.Add(24 * time.Hour)
	known := Known{Now: now, Key: public}
	for name, row := range map[string]struct {
		text []byte
		k    Known
		kind error
		want string
	}{
		"no key":              {good, Known{Now: now}, thimble.ErrDenied, "key:"},
		"another key":         {good, Known{Now: now, Key: ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)}, thimble.ErrDenied, "key:"},
		"another price":       {replace("1990", "1991"), known, thimble.ErrDenied, "signature:"},
		"another buyer":       {replace("ada@", "eve@"), known, thimble.ErrDenied, "signature:"},
		"another number":      {replace(`"sequence":2`, `"sequence":3`), known, thimble.ErrDenied, "signature:"},
		"used before":         {good, Known{Now: now, Key: public, Used: true}, thimble.ErrConflict, "sequence:"},
		"a clock of tomorrow": {written(t, late, sold("1", "")), known, thimble.ErrInvalid, "created_at:"},
		"a key twice":         {replace(`{"number":`, `{"number":"x","number":`), known, thimble.ErrInvalid, "line 2"},
		"an unknown field":    {replace(`{"number":`, `{"age":7,"number":`), known, thimble.ErrInvalid, "line 2"},
		"too few":             {replace(`"receipts":1`, `"receipts":2`), known, thimble.ErrInvalid, "the header says 2, there are 1"},
		"a batch of choices":  {replace("sales-batch", "consent-batch"), known, thimble.ErrInvalid, "thimble:"},
		"no JSON":             {[]byte("a\nada@example.org\nb\n"), known, thimble.ErrInvalid, "line 1"},
		"nothing":             {nil, known, thimble.ErrInvalid, "a header, receipts and a signature"},
		"too much":            {bytes.Repeat([]byte("x"), MaxBytes+1), known, thimble.ErrInvalid, "close the batch earlier"},
		"a line too many":     {append(slices.Clone(good), good...), known, thimble.ErrInvalid, "receipts"},
	} {
		_, err := verified(row.text, row.k)
		if !errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "@example.org") {
			t.Errorf("%s: %v, want the kind %v and %q", name, err, row.kind, row.want)
		}
	}
}

// A buyer of a kind that is not known is no guest: the batch is refused, and says why.
func TestABuyerOfAnUnknownKindIsNoGuest(t *testing.T) {
	good := string(written(t, header(), sold("1", "ada@example.org"), sold("2", "")))
	for name, kind := range map[string]string{"unknown": `"kind":"loyalty"`, "a phone": `"kind":"phone"`, "none": `"kind":""`, "in other letters": `"kind":"Email"`} {
		_, err := Read(strings.NewReader(strings.Replace(good, `"kind":"email"`, kind, 1)))
		if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "line 2: a receipt: kind: account or email was expected") || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := sold("1", "K-7")
	bad.Kind = "loyalty"
	if err := Sign(io.Discard, header(), []Receipt{bad}, key); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a till signs it: %v", err)
	}
}

// Two receipts of two tills never have one number.
func TestTheNumberOfAReceiptSaysWhoseItIs(t *testing.T) {
	numbers := map[string]string{}
	for _, c := range []struct{ till, number string }{{"till-1", "2-5"}, {"till-1-2", "5"}, {"till", "1-2-5"}, {"till-1", "2:5"}, {"till-1", "till-1:2-5"}} {
		h := header()
		h.Till = c.till
		b, err := verified(written(t, h, sold(c.number, "")), Known{Now: now, Key: public})
		if err != nil {
			t.Fatal(err)
		}
		text := orders(t, b)
		_, rest, _ := strings.Cut(text, `"number":"`)
		number, _, _ := strings.Cut(rest, `"`)
		if was, there := numbers[number]; number == "" || there {
			t.Errorf("%s of %s is %q, as %s is", c.number, c.till, number, was)
		}
		numbers[number] = c.number + " of " + c.till
	}
}

// Any bit counts: what passes after a change says the same.
func TestNoChangedBitPasses(t *testing.T) {
	good := written(t, header(), sold("1", "ada@example.org"), sold("2", ""))
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
		b, err := verified(bad, Known{Now: now, Key: public})
		if err != nil {
			refused++
			continue
		}
		if got, err := b.Canonical(); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("bit %d changes what is said and passes", i)
		}
	}
	if refused < len(good)*7 {
		t.Errorf("only %d of %d changes were refused", refused, len(good)*8)
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add(written(f, header(), sold("1", "ada@example.org")))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := b.Source(); err != nil {
			t.Fatal(err)
		}
	})
}
