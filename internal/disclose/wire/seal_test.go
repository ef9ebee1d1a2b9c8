package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/disclose/wire"
)

var suites = []wire.Suite{wire.X25519, wire.Hybrid}

func binding(t testing.TB) wire.Binding {
	return wire.Binding{Recipient: newID(t), Agreement: newID(t)}
}

func sealed(t testing.TB, suite wire.Suite, b wire.Binding, m wire.Message) (wire.OpeningKey, []byte) {
	t.Helper()
	k := must(wire.NewOpeningKey(suite))
	out := must(wire.Seal(k.Public(), b, m))
	if out.ID != m.ID || out.Disclosure != m.Disclosure || out.Type != wire.EnvelopeType {
		t.Errorf("the sealed message is %+v", out)
	}
	return k, out.Body.Reveal()
}

func TestARecipientOpensWhatWasSealedToIt(t *testing.T) {
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			b, m := binding(t), message(t, `{"order":"o-1"}`)
			k, envelope := sealed(t, suite, b, m)
			if bytes.Contains(envelope, []byte("o-1")) {
				t.Error("the envelope shows what is inside")
			}
			// The keys go through their texts, as a recipient's do.
			k = must(wire.ParseOpeningKey(must(k.Text())))
			if p := must(wire.ParseSealingKey(k.Public().Text())); p.ID() != k.Public().ID() {
				t.Error("the public key has another id when it was read")
			}

			got, bound, err := wire.Open(k, envelope)

			if err != nil || string(got.Body.Reveal()) != `{"order":"o-1"}` || got.Type != m.Type || got.ID != m.ID || got.Disclosure != m.Disclosure || bound != b {
				t.Errorf("opened = %+v %+v, %v", got, bound, err)
			}
		})
	}
}

func TestNobodyElseOpensIt(t *testing.T) {
	for _, suite := range suites {
		_, envelope := sealed(t, suite, binding(t), message(t, `{}`))
		for _, other := range suites {
			if _, _, err := wire.Open(must(wire.NewOpeningKey(other)), envelope); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s opened by another key of %s: %v", suite, other, err)
			}
		}
	}
	if _, _, err := wire.Open(wire.OpeningKey{}, []byte(`{}`)); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("no key = %v", err)
	}
}

// What is in the clear beside the seal belongs to it: no part may come from another envelope.
func TestNoPartOfAnEnvelopeMayComeFromAnother(t *testing.T) {
	for _, suite := range suites {
		k := must(wire.NewOpeningKey(suite))
		parse := func(body string) map[string]any {
			var parts map[string]any
			if err := json.Unmarshal(must(wire.Seal(k.Public(), binding(t), message(t, body))).Body.Reveal(), &parts); err != nil {
				t.Fatal(err)
			}
			return parts
		}
		order := []string{"v", "suite", "key", "recipient", "agreement", "disclosure", "message", "type", "enc", "sealed"}
		text := func(parts map[string]any) []byte {
			var fields []string
			for _, name := range order {
				fields = append(fields, fmt.Sprintf("%q:%s", name, must(json.Marshal(parts[name]))))
			}
			return []byte("{" + strings.Join(fields, ",") + "}")
		}
		one, other := parse(`{"n":1}`), parse(`{"n":2}`)
		if _, _, err := wire.Open(k, text(one)); err != nil {
			t.Fatalf("%s: the control does not open: %v", suite, err)
		}
		other["type"], other["v"], other["suite"], other["key"] = "text/plain", 2, "other", "0000000000000000"
		for _, name := range order {
			kept := one[name]
			one[name] = other[name]
			if _, _, err := wire.Open(k, text(one)); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: with another %s: %v", suite, name, err)
			}
			one[name] = kept
		}
	}
}

const sealSeed = 68

func TestNoBitOfAnEnvelopeMayChange(t *testing.T) {
	random := rand.New(rand.NewPCG(sealSeed, 1))
	n := times(3000, 100_000)
	for _, suite := range suites {
		k, envelope := sealed(t, suite, binding(t), message(t, `{"order":"o-1"}`))
		for range n / len(suites) {
			changed := bytes.Clone(envelope)
			bit := random.IntN(8 * len(changed))
			changed[bit/8] ^= 1 << (bit % 8)
			if _, _, err := wire.Open(k, changed); !errors.Is(err, thimble.ErrDenied) {
				t.Fatalf("seed %d: %s with bit %d changed: %v", sealSeed, suite, bit, err)
			}
		}
		if _, _, err := wire.Open(k, envelope); err != nil {
			t.Errorf("%s: the control does not open: %v", suite, err)
		}
	}
	t.Logf("%d envelopes with one bit changed, 0 opened (seed %d)", n, sealSeed)
}

func TestAnEnvelopeHasOneSpelling(t *testing.T) {
	k, envelope := sealed(t, wire.X25519, binding(t), message(t, `{}`))
	s := string(envelope)
	for name, text := range map[string]string{
		"a space":           s[:1] + " " + s[1:],
		"a new line behind": s + "\n",
		"another field":     s[:1] + `"x":1,` + s[1:],
		"a field twice":     s[:1] + `"v":1,` + s[1:],
		"a capital":         strings.Replace(s, `"enc"`, `"Enc"`, 1),
		"cut":               s[:len(s)/2],
		"empty":             "",
		"null":              "null",
		"huge":              s + strings.Repeat(" ", 48<<20),
	} {
		if _, _, err := wire.Open(k, []byte(text)); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s: %v, want ErrDenied", name, err)
		}
	}
}

func TestWhatCannotBeSealedIsRefused(t *testing.T) {
	k := must(wire.NewOpeningKey(wire.X25519)).Public()
	for name, change := range map[string]func(*wire.SealingKey, *wire.Binding, *wire.Message){
		"no key":        func(k *wire.SealingKey, _ *wire.Binding, _ *wire.Message) { *k = wire.SealingKey{} },
		"no recipient":  func(_ *wire.SealingKey, b *wire.Binding, _ *wire.Message) { b.Recipient = thimble.ID{} },
		"no agreement":  func(_ *wire.SealingKey, b *wire.Binding, _ *wire.Message) { b.Agreement = thimble.ID{} },
		"no disclosure": func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Disclosure = thimble.ID{} },
		"no message id": func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.ID = thimble.ID{} },
		"no type":       func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Type = "" },
		"sealed twice":  func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Type = wire.EnvelopeType },
		"no slash":      func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Type = "json" },
		"no UTF-8":      func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Type = "text/plain; a=\"\xff\"" },
		"a huge body": func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) {
			m.Body = thimble.Hide(make([]byte, wire.MaxBody+1))
		},
		"two lines": func(_ *wire.SealingKey, _ *wire.Binding, m *wire.Message) { m.Type = "text/plain;\r\n a=b" },
	} {
		key, b, m := k, binding(t), message(t, `{}`)
		change(&key, &b, &m)
		if _, err := wire.Seal(key, b, m); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	for _, text := range []string{"", "x25519", "x25519:", "x25519:AAAA", "rsa:AAAA", "mlkem768-x25519:" + strings.Repeat("A", 44), "x25519:" + strings.Repeat("A", 42) + "B=", "X25519:" + strings.Repeat("A", 43) + "="} {
		if _, err := wire.ParseSealingKey(text); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("key %q: %v, want ErrInvalid", text, err)
		}
		if _, err := wire.ParseOpeningKey(text); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("private key %q: %v, want ErrInvalid", text, err)
		}
	}
}

func TestAnOpeningKeyCannotBePrinted(t *testing.T) {
	for _, suite := range suites {
		k := must(wire.NewOpeningKey(suite))
		_, secret, _ := strings.Cut(must(k.Text()), ":")
		shown := fmt.Sprintf("%v %+v %#v %s %x", k, k, &k, struct{ K wire.OpeningKey }{k}, k) + string(must(json.Marshal(map[string]any{"k": k})))
		if strings.Contains(shown, secret[:12]) || !strings.Contains(shown, "[key]") {
			t.Errorf("shown as %s", shown)
		}
	}
	var none wire.OpeningKey
	if _, err := none.Text(); !errors.Is(err, thimble.ErrInvalid) || none.Public().Text() != "" {
		t.Errorf("no key has a text: %v", err)
	}
	if _, err := wire.NewOpeningKey("rsa"); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a key of an unknown suite = %v", err)
	}
}

func TestAKeyThatSealsNothingIsRefused(t *testing.T) {
	for _, low := range []string{strings.Repeat("A", 43) + "=", "AQ" + strings.Repeat("A", 41) + "="} { // the points 0 and 1
		if _, err := wire.ParseSealingKey("x25519:" + low); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", low, err)
		}
	}
}

// Whatever can be sealed opens, with the type that it had.
func TestWhateverIsSealedOpens(t *testing.T) {
	k := must(wire.NewOpeningKey(wire.X25519))
	for _, kind := range []string{"text/plain", "Text/Plain; Charset=UTF-8", `text/plain; a="<&>"`, "application/vnd.x+json; v=1", `text/plain; a="\""`} {
		for _, body := range []string{"", "x", strings.Repeat("x", 1<<20)} {
			m := message(t, body)
			m.Type = kind
			got, _, err := wire.Open(k, must(wire.Seal(k.Public(), binding(t), m)).Body.Reveal())
			if err != nil || got.Type != kind || string(got.Body.Reveal()) != body {
				t.Errorf("%s with %d bytes: %q, %v", kind, len(body), got.Type, err)
			}
		}
	}
}

// What was sealed by an older version opens: the format is a promise to recipients.
func TestEnvelopesOfThePastOpen(t *testing.T) {
	for _, suite := range suites {
		folder := "testdata/envelope/" + string(suite)
		if os.Getenv("THIMBLE_NEW_ENVELOPES") != "" {
			k, envelope := sealed(t, suite, binding(t), message(t, `{"order":"o-1"}`))
			if err := errors.Join(os.MkdirAll("testdata/envelope", 0o755), os.WriteFile(folder+".key", []byte(must(k.Text())), 0o644), os.WriteFile(folder+".json", envelope, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		k := must(wire.ParseOpeningKey(string(must(os.ReadFile(folder + ".key")))))
		m, _, err := wire.Open(k, must(os.ReadFile(folder+".json")))
		if err != nil || string(m.Body.Reveal()) != `{"order":"o-1"}` {
			t.Errorf("%s: %+v, %v", suite, m, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := must(wire.ParseOpeningKey(string(must(os.ReadFile("testdata/envelope/x25519.key")))))
	genuine := must(os.ReadFile("testdata/envelope/x25519.json"))
	f.Add(genuine)
	f.Add(must(os.ReadFile("testdata/envelope/mlkem768-x25519.json")))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, err := wire.Open(k, text)
		if err == nil && !bytes.Equal(text, genuine) {
			t.Errorf("a made-up envelope opened: %s", text)
		}
		if err != nil && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("an error of another kind: %v", err)
		}
		if e, err := wire.ParseEnvelope(text); err == nil && !bytes.Equal(must(json.Marshal(e)), text) {
			t.Errorf("an envelope with two spellings: %s", text)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for _, suite := range suites {
		b.Run(string(suite), func(b *testing.B) {
			k, bound, m := must(wire.NewOpeningKey(suite)).Public(), binding(b), message(b, strings.Repeat("x", 4<<10))
			b.ReportAllocs()
			for b.Loop() {
				must(wire.Seal(k, bound, m))
			}
		})
	}
}
