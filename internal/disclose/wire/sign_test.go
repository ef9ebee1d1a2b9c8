package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
)

// The vectors of the specification's own libraries (standard-webhooks/standard-webhooks,
// libraries/go/webhook_{symmetric,asymmetric}_test.go; Apache-2.0).
const vectorID = "msg_p5jXN8AQM9LWM0D4loKWxJek"

var (
	vectorTime = time.Unix(1614265330, 0)
	vectorBody = []byte(`{"test": 2432232314}`)
	vectors    = []struct{ name, key, signature string }{
		{"symmetric", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"asymmetric", "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=", "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="},
	}
)

func key(t testing.TB, text string) wire.SigningKey {
	t.Helper()
	k, err := wire.ParseSigningKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignaturesAreThoseOfTheSpecification(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			k := key(t, v.key)

			h, err := wire.Sign(vectorID, vectorTime, vectorBody, k)

			if err != nil || h.Get("webhook-signature") != v.signature {
				t.Errorf("signature = %q, %v, want %q", h.Get("webhook-signature"), err, v.signature)
			}
			if h.Get("webhook-id") != vectorID || h.Get("webhook-timestamp") != "1614265330" {
				t.Errorf("headers = %v", h)
			}
			if id, err := wire.Verify(h, vectorBody, vectorTime, k); err != nil || id != vectorID {
				t.Errorf("verified = %q, %v", id, err)
			}
			if k.Text() != v.key {
				t.Error("the key has another text than the one it was read from")
			}
		})
	}
}

func TestThePublicHalfVerifiesAndDoesNotSign(t *testing.T) {
	pair, err := wire.NewKeyPair(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := key(t, pair.Public())
	h, err := wire.Sign(vectorID, vectorTime, vectorBody, pair)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := wire.Verify(h, vectorBody, vectorTime, public); err != nil {
		t.Errorf("verified by the public half: %v", err)
	}
	if _, err := wire.Sign(vectorID, vectorTime, vectorBody, public); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("signing with the public half = %v, want ErrInvalid", err)
	}
}

func TestDuringARotationEitherKeyVerifies(t *testing.T) {
	old, pair := key(t, vectors[0].key), key(t, vectors[1].key)
	h, err := wire.Sign(vectorID, vectorTime, vectorBody, old, pair)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := wire.NewSecret(nil)
	if err != nil {
		t.Fatal(err)
	}

	for name, known := range map[string][]wire.SigningKey{"old": {old}, "new": {pair}, "both": {stranger, pair}} {
		if _, err := wire.Verify(h, vectorBody, vectorTime, known...); err != nil {
			t.Errorf("who knows %s: %v", name, err)
		}
	}
	if _, err := wire.Verify(h, vectorBody, vectorTime, stranger); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("a stranger's key = %v, want ErrDenied", err)
	}
	if _, err := wire.Verify(h, vectorBody, vectorTime); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("no key = %v, want ErrDenied", err)
	}
}

func TestWhatDoesNotVerifyIsDenied(t *testing.T) {
	const wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	good := vectors[0].signature
	set := func(name string, values ...string) func(http.Header) {
		return func(h http.Header) { h[http.CanonicalHeaderKey(name)] = values }
	}
	cases := []struct {
		name   string
		change func(http.Header)
		ok     bool
	}{
		{"untouched", func(http.Header) {}, true},
		{"behind others", set("webhook-signature", wrong+" v2,abcd "+good+" "+wrong), true},
		{"no id", set("webhook-id"), false},
		{"two ids", set("webhook-id", vectorID, vectorID), false},
		{"an id with a full stop", set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek.1"), false},
		{"another id", set("webhook-id", "msg_other"), false},
		{"no time", set("webhook-timestamp"), false},
		{"another time", set("webhook-timestamp", "1614265331"), false},
		{"a time with a sign", set("webhook-timestamp", "+1614265330"), false},
		{"a time with a zero before it", set("webhook-timestamp", "01614265330"), false},
		{"a time that overflows", set("webhook-timestamp", "99999999999999999999"), false},
		{"a time in words", set("webhook-timestamp", "now"), false},
		{"no signature", set("webhook-signature"), false},
		{"an empty signature", set("webhook-signature", ""), false},
		{"half a signature", set("webhook-signature", "v1,"), false},
		{"a wrong signature", set("webhook-signature", wrong), false},
		{"two signature headers", set("webhook-signature", good, good), false},
		{"the right bytes under another version", set("webhook-signature", "v1a"+strings.TrimPrefix(good, "v1")), false},
		{"more signatures than anybody needs", set("webhook-signature", strings.Repeat(wrong+" ", 20)+good), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, err := wire.Sign(vectorID, vectorTime, vectorBody, key(t, vectors[0].key))
			if err != nil {
				t.Fatal(err)
			}
			c.change(h)

			_, err = wire.Verify(h, vectorBody, vectorTime, key(t, vectors[0].key))

			if c.ok != (err == nil) || !c.ok && !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("verifying = %v", err)
			}
		})
	}
}

func TestAWebhookIsFreshForFiveMinutesEitherWay(t *testing.T) {
	k := key(t, vectors[1].key)
	h, err := wire.Sign(vectorID, vectorTime, vectorBody, k)
	if err != nil {
		t.Fatal(err)
	}
	for off, ok := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, -5 * time.Minute: true,
		5*time.Minute + time.Second: false, -5*time.Minute - time.Second: false, 1e6 * time.Hour: false,
	} {
		if _, err := wire.Verify(h, vectorBody, vectorTime.Add(off), k); ok != (err == nil) {
			t.Errorf("at %v: %v", off, err)
		}
	}
}

// Any single bit of what is signed breaks the signature.
func TestNoBitOfAWebhookMayChange(t *testing.T) {
	for _, v := range vectors {
		k := key(t, v.key)
		h, err := wire.Sign(vectorID, vectorTime, vectorBody, k)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(vectorBody) {
			body := bytes.Clone(vectorBody)
			body[bit/8] ^= 1 << (bit % 8)
			if _, err := wire.Verify(h, body, vectorTime, k); err == nil {
				t.Fatalf("%s: a body with bit %d changed verified", v.name, bit)
			}
		}
		for name := range h {
			value := h.Get(name)
			for bit := range 8 * len(value) {
				b := []byte(value)
				b[bit/8] ^= 1 << (bit % 8)
				changed := h.Clone()
				changed[name] = []string{string(b)}
				if _, err := wire.Verify(changed, vectorBody, vectorTime, k); err == nil {
					t.Fatalf("%s: %s with bit %d changed verified", v.name, name, bit)
				}
			}
		}
	}
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
		"whsec_" + strings.Repeat("AAAA", 22), "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_AAAA", "whxx_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "whsk_" + strings.Repeat("A", 86) + "==",
	} {
		if _, err := wire.ParseSigningKey(text); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", text, err)
		} else if len(text) > 12 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestASigningKeyCannotBePrinted(t *testing.T) {
	k := key(t, vectors[0].key)
	j, err := json.Marshal(map[string]any{"k": k})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", k)
	shown := fmt.Sprintf("%v %+v %#v %s %x", k, k, k, struct{ K wire.SigningKey }{k}, k) + string(j) + log.String()
	for _, part := range []string{"MfKQ9r8G", "31f290f6", "49 242"} {
		if strings.Contains(shown, part) {
			t.Errorf("the key is in %s", shown)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		f.Add(vectorID, "1614265330", v.signature, vectorBody)
	}
	f.Add("a", "-1", "v1, v1a,", []byte(nil))
	symmetric, pair := key(f, vectors[0].key), key(f, vectors[1].key)
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := http.Header{wire.HeaderID: {id}, wire.HeaderTimestamp: {timestamp}, wire.HeaderSignature: {signature}}
		got, err := wire.Verify(h, body, vectorTime, symmetric, pair)
		if err != nil {
			if !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		// Nobody but a holder of the keys makes a signature: it must be one of the two.
		if got != id || !bytes.Equal(body, vectorBody) || id != vectorID {
			t.Errorf("a forged webhook verified: %q", id)
		}
	})
}

// scheduleSeed is printed by a failing test; change it there to try other draws.
const scheduleSeed = 6

func TestRetriesGrowEndAndNeverComeBeforeTheirTime(t *testing.T) {
	random := rand.New(rand.NewPCG(scheduleSeed, 1))
	for round := range 5000 {
		s := wire.Schedule{
			First: time.Duration(random.Int64N(int64(time.Minute))), Factor: 1 + 4*random.Float64(),
			Cap: time.Minute + time.Duration(random.Int64N(int64(24*time.Hour))), Horizon: time.Duration(1 + random.Int64N(int64(96*time.Hour))),
			Jitter: random.Float64(),
		}
		var since, last time.Duration
		for tries := 1; ; tries++ {
			if tries > 1_000_000 {
				t.Fatalf("seed %d, round %d: %+v never ends", scheduleSeed, round, s)
			}
			wait, again := s.Next(tries, since, 0, 0.5) // the mean
			if wait <= 0 || wait > max(s.Cap, time.Millisecond) || wait < last-time.Microsecond {
				t.Fatalf("seed %d, round %d: %+v: wait %d = %v after %v", scheduleSeed, round, s, tries, wait, last)
			}
			for _, part := range []float64{0, random.Float64(), 1} {
				if w, _ := s.Next(tries, since, 0, part); w <= 0 || w > s.Cap || float64(w) > 1.5*float64(wait)+1 || float64(w) < 0.5*float64(wait)-1 {
					t.Fatalf("seed %d, round %d: %+v: drawn wait %v is too far from %v", scheduleSeed, round, s, w, wait)
				}
			}
			if again != (since+wait <= s.Horizon) {
				t.Fatalf("seed %d, round %d: %+v: again = %v at %v + %v", scheduleSeed, round, s, again, since, wait)
			}
			if !again || tries > 300 {
				break
			}
			since, last = since+wait, wait
		}
	}
}

func TestARecipientIsNotAskedBeforeItWantsToBe(t *testing.T) {
	var s wire.Schedule
	if wait, again := s.Next(1, 0, 10*time.Minute, 0); wait != 10*time.Minute || !again {
		t.Errorf("after Retry-After of 10 minutes: %v, %v", wait, again)
	}
	if wait, _ := s.Next(1, 0, 365*24*time.Hour, 0); wait != 24*time.Hour {
		t.Errorf("after Retry-After of a year: %v, want a day", wait)
	}
	if wait, _ := s.Next(4, 0, time.Second, 0.5); wait != 320*time.Second {
		t.Errorf("after Retry-After of a second: %v, want the schedule's own wait", wait)
	}
}

func TestTheDefaultScheduleSpansThreeDays(t *testing.T) {
	var s wire.Schedule
	var since time.Duration
	tries := 1
	for {
		wait, again := s.Next(tries, since, 0, 0.5)
		if !again {
			break
		}
		since, tries = since+wait, tries+1
	}
	if since < 60*time.Hour || since > 72*time.Hour || tries < 10 || tries > 20 {
		t.Errorf("%d tries in %v", tries, since)
	}
}
