package segment

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// spec returns the payloads of Segment's spec: the batches of its Go SDK, and the
// events of its documents as one batch each.
func spec(t testing.TB) (bodies [][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/spec/*.gz")
	if err != nil || len(files) < 13 {
		t.Fatalf("%d files of the spec, %v", len(files), err)
	}
	for _, name := range files {
		text := unzipped(t, name)
		if strings.HasSuffix(name, ".json.gz") {
			bodies = append(bodies, text)
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			var line struct {
				Kind    string
				Payload json.RawMessage
			}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line.Kind, "json") {
				bodies = append(bodies, []byte(`{"batch":[`+string(line.Payload)+`]}`))
			}
		}
	}
	return bodies
}

func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// hostile are bodies that were written to part two readers from each other.
var hostile = []string{
	`{"batch":[{"type":"page","userId":"u","context":{"consent":{"categoryPreferences":{"A":false}},"cons\u0065nt":{"categoryPreferences":{"A":true}}}}]}`,
	`{"batch":[{"type":"page","userId":"u","context":{"consent":{"categoryPreferences":{"A":false,"\u0041":true}}}}]}`,
	`{"batch":[{"type":"page","userId":"u","CONTEXT":{"consent":{}},"context":{"Consent":{}}}]}`,
	`{"batch":[{"type":"page","userId":"u","userId ":"v"}]}`, `{"batch":[{"type":"page","userId":"u\u0000"}]}`, "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\x00\"}]}",
	"{\"batch\":[{\"type\":\"page\",\"userId\":\"\xed\xa0\x80\"}]}", "{\"batch\":[{\"type\":\"page\",\"userId\":\"\xc0\xaf\"}]}", "{\"batch\":[{\"type\":\"page\",\"userId\":\"\xf4\x90\x80\x80\"}]}",
	`{"batch":[{"type":"page","userId":"\uD83D\uDE00"}]}`, `{"batch":[{"type":"page","userId":"\uD83D"}]}`, `{"batch":[{"type":"page","userId":"\uDE00\uD83D"}]}`, `{"batch":[{"type":"page","userId":"\uD83Dx"}]}`,
	`{"batch":[{"type":"page","userId":1e1}]}`, `{"batch":[{"type":"page","userId":-0}]}`, `{"batch":[{"type":"page","userId":0}]}`, `{"batch":[1e309,-1e309,1e-999,0e999,0.0000001e308,123456789e301,1E+2]}`,
	`{"batch":[01]}`, `{"batch":[1.]}`, `{"batch":[.1]}`, `{"batch":[--1]}`, `{"batch":[1e]}`, `{"batch":[NaN]}`, `{"batch":[nul]}`, `{"batch":[truefalse]}`, `{"batch":[tru]}`, `{"batch":[],}`, `{"batch":[}]`,
	`{"batch":[]} `, ` {"batch":[]}`, "\t\r\n{\"batch\":[]}\n", "\u00a0{\"batch\":[]}", `{"batch":[]}{}`, "{\"batch\":[]}\x00", `{"batch":["\/\b\f\n\r\t\"\\"]}`, `{"batch":["\u12"]}`, `{"batch":["\U0041"]}`, `{"batch"`, `{"batch":[{"`,
	`{"batch":[{"properties":{"sku":"a"},"event":"Product Viewed","type":"track","userId":"u"}],"context":{"locale":"x"}}`, `{"batch":[{"":""}],"":1}`,
	`{"batch":[{"type":"track","event":"Cart Viewed","userId":"u","properties":{"products":[{"sku":"a"},null,5,[],{}]}}]}`,
	`{"batch":[{"type":"identify","userId":"u","traits":{"birthday":"0000-00-00","age":-1,"address":{"country":5}}}]}`,
}

// FuzzRead holds every body against encoding/json, which must take what the reader
// takes, and must read the same from it; and every event that is kept against jsontext,
// which refuses bytes that are not UTF-8 and half surrogate pairs as the reader does.
func FuzzRead(f *testing.F) {
	for _, body := range spec(f) {
		f.Add(body)
	}
	for _, body := range hostile {
		f.Add([]byte(body))
	}
	r := NewReader(compiled(f))
	f.Fuzz(func(t *testing.T, body []byte) {
		compare(t, r, Batch, body)
		compare(t, r, Track, body)
		compare(t, r, Page, body)
	})
}

func compare(t *testing.T, r *Reader, call Call, body []byte) {
	t.Helper()
	b, err := r.Read(body, call, arrival())
	if err != nil {
		return
	}
	if !json.Valid(body) {
		t.Fatalf("%q is taken, and encoding/json refuses it", body)
	}
	raw := []json.RawMessage{body}
	if call == Batch {
		raw = nil // Unmarshal would write into the body
		var all map[string]json.RawMessage
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatalf("%q is taken, but is no object for encoding/json: %v", body, err)
		}
		if err := json.Unmarshal(all["batch"], &raw); err != nil {
			t.Fatalf("%q is taken, but its batch is no list for encoding/json: %v", body, err)
		}
	}
	if kept := len(b.Events) + len(b.Refused); kept != len(raw) && len(raw) <= MaxEvents {
		t.Fatalf("%q: %d events for encoding/json, %d here", body, len(raw), kept)
	}
	for i := range b.Events {
		ev := &b.Events[i]
		same(t, b, ev, raw[ev.Index])
		for _, mask := range []uint64{everything, 0, 1 << (i % 64), 0x5555555555555555} {
			out, ok := b.Emit(nil, ev, mask)
			if ok && !jsontext.Value(out).IsValid() {
				t.Fatalf("%q is written as %q, which is no JSON", body, out)
			}
		}
	}
}

// same compares what both read of one event. Keys of encoding/json are exact here, as
// the map keeps them.
func same(t *testing.T, b *Body, ev *Event, raw []byte) {
	t.Helper()
	if !jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true)) {
		t.Fatalf("%q is kept, and jsontext refuses it", raw)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		t.Fatalf("%q is kept, but encoding/json says %v", raw, err)
	}
	for key, got := range map[string]Value{"userId": ev.UserID, "anonymousId": ev.AnonymousID, "previousId": ev.PreviousID, "groupId": ev.GroupID} {
		want := ""
		switch v := all[key].(type) {
		case string:
			want = v
		case json.Number:
			want = v.String()
		}
		if string(b.Bytes(got)) != want {
			t.Fatalf("%q: %s is %q, and %q for encoding/json", raw, key, b.Bytes(got), want)
		}
	}
	if want, _ := all["messageId"].(string); !ev.Assigned && string(b.Bytes(ev.MessageID)) != want {
		t.Fatalf("%q: messageId is %q, and %q for encoding/json", raw, b.Bytes(ev.MessageID), want)
	}
	context, _ := all["context"].(map[string]any)
	consent, _ := context["consent"].(map[string]any)
	if !ev.Signals.Consent.Absent() != (consent != nil) {
		t.Fatalf("%q: there is a consent: %t, for encoding/json %t", raw, !ev.Signals.Consent.Absent(), consent != nil)
	}
	// Whoever reads the consent as it is handed out reads it as encoding/json does, and
	// jsontext finds no key twice in it.
	if consent != nil && !jsontext.Value(b.Bytes(ev.Signals.Consent)).IsValid() {
		t.Fatalf("%q: the consent %q is handed out, and jsontext refuses it", raw, b.Bytes(ev.Signals.Consent))
	}
}

func TestBothReadersReadTheSpecAndTheHostileCorpusAlike(t *testing.T) {
	r := NewReader(compiled(t))
	for _, body := range spec(t) {
		compare(t, r, Batch, body)
	}
	for _, body := range hostile {
		for c := Batch; c <= Alias; c++ {
			compare(t, r, c, []byte(body))
		}
	}
}

// Mutations of real payloads: what is found is kept in testdata/fuzz.
func TestBrokenPayloadsAreReadAlike(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	r, rng := NewReader(compiled(t)), rand.New(rand.NewPCG(seed, 1))
	corpus := spec(t)
	for _, body := range hostile {
		corpus = append(corpus, []byte(body))
	}
	pieces := []string{`"`, `\`, `\u00`, `{`, `}`, `[`, `]`, `,`, `:`, `null`, `1e400`, "\xff", "\xed\xa0\x80", `\ud800`, `"consent":{}`, `"userId":"x",`, ` `, "\x00", `-`, `0`, `.`, `e`}
	for range times(20_000, 5_000_000) {
		body := slices.Clone(corpus[rng.IntN(len(corpus))])
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(body) + 1)
			switch rng.IntN(4) {
			case 0:
				body = slices.Insert(body, at, []byte(pieces[rng.IntN(len(pieces))])...)
			case 1:
				body = slices.Delete(body, at, min(len(body), at+1+rng.IntN(8)))
			case 2:
				if at < len(body) {
					body[at] = byte(rng.IntN(256))
				}
			case 3: // a part comes twice
				to := min(len(body), at+rng.IntN(60))
				body = slices.Insert(body, at, slices.Clone(body[at:to])...)
			}
		}
		compare(t, r, Batch, body)
	}
}

// times returns how often a property is tried: full under THIMBLE_SOAK.
func times(sample, full int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return full
	}
	return sample
}

func TestTheSpecsEventsAreKept(t *testing.T) {
	r := NewReader(compiled(t))
	kept, refused, planned := 0, map[Rule]int{}, 0
	for _, body := range spec(t) {
		b := read(t, r, Batch, string(body))
		for i := range b.Events {
			kept++
			if b.Events[i].Message != nil {
				planned++
			}
		}
		for _, f := range b.Refused {
			refused[f.Rule]++
		}
	}
	t.Logf("%d kept, of which %d planned; refused %v", kept, planned, refused)
	// The documents leave ids and types out of many examples.
	for rule := range refused {
		if rule != NoID && rule != BadType && rule != BadEvent {
			t.Errorf("refused for %q", rule)
		}
	}
	if kept < 46 || planned < 9 {
		t.Errorf("%d kept, of which %d planned; want 46 and 9 or more", kept, planned)
	}
}
