package buffer

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"
)

// Numbers come in any order, some twice, some never: what progress says is what a set
// of them says.
func TestProgressKnowsExactlyWhatCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p progress
		came, highest := map[uint64]bool{}, uint64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			seq := rapid.Uint64Range(1, 40).Draw(t, "number")
			if rapid.IntRange(0, 4).Draw(t, "what") == 0 && seq > highest {
				p.miss(seq)
			} else {
				if _, gap := p.gap(seq); gap != (seq > highest+1) {
					t.Fatalf("a gap before %d after %d: %v", seq, highest, gap)
				}
				p.mark(seq)
				came[seq] = true
			}
			highest = max(highest, seq)
			for n := uint64(1); n <= 41; n++ {
				if p.has(n) != came[n] {
					t.Fatalf("has(%d) = %v after %v, progress %+v", n, p.has(n), came, p)
				}
			}
		}
		back, err := decodeProgress(p.encode())
		if err != nil || back.Last != p.Last || !slices.Equal(back.Missing, p.Missing) {
			t.Fatalf("%+v came back as %+v, %v", p, back, err)
		}
	})
}

func FuzzProgressIsReadAsItIsWrittenOrRefused(f *testing.F) {
	f.Add((&progress{Last: 9, Missing: []span{{2, 3}, {5, 5}}}).encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeProgress(b)
		if err == nil && !bytes.Equal(p.encode(), b) {
			t.Errorf("%x was read as %+v, which is written otherwise", b, p)
		}
	})
}

func TestMessageThatIsDamagedAnywhereSaysNothing(t *testing.T) {
	m := message{runKey: runKey{"a", 77}, seq: 5, body: []byte("sealed")}
	w := m.wire(0)
	if got, intact := readMessage(w.Header, w.Data); !intact || !cmp.Equal(got, m, cmp.AllowUnexported(message{}, runKey{})) {
		t.Fatalf("got %+v, %v, want %+v", got, intact, m)
	}
	for name, damage := range map[string]func(*nats.Msg){
		"body":   func(w *nats.Msg) { w.Data = []byte("sealeb") },
		"node":   func(w *nats.Msg) { w.Header.Set(nodeHeader, "b") },
		"run":    func(w *nats.Msg) { w.Header.Set(runHeader, formatRun(78)) },
		"number": func(w *nats.Msg) { w.Header.Set(seqHeader, "6") },
		"void":   func(w *nats.Msg) { w.Header.Set(voidHeader, "1") },
		"sum":    func(w *nats.Msg) { w.Header.Del(sumHeader) },
	} {
		w := m.wire(0)
		w.Data = slices.Clone(w.Data)
		damage(w)
		if _, intact := readMessage(w.Header, w.Data); intact {
			t.Errorf("a message with another %s passes", name)
		}
	}
}
