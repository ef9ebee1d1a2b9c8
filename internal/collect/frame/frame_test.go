package frame_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/frame"
)

const seed = 7

var categories = []thimble.Category{"user.behavior.browsing_history", thimble.PurchaseHistory, "thimble.size", "c"}

// drawn makes a frame with records of every kind.
func drawn(r *rand.Rand) frame.Frame {
	f := frame.Frame{Seq: r.Int64N(1 << 40), Received: r.Int64() - 1<<62}
	for range r.IntN(20) {
		f.Records = append(f.Records, drawnRecord(r, f.Received))
	}
	return f
}

func drawnRecord(r *rand.Rand, received int64) frame.Record {
	random := func() (b [16]byte) {
		for i := range b {
			b[i] = byte(1 + r.IntN(255))
		}
		return b
	}
	rec := frame.Record{}
	if r.IntN(4) > 0 {
		rec.Repeat = random()
	}
	switch r.IntN(4) {
	case 0: // empty
		return rec
	case 1:
		rec.Received, rec.Source = received, r.Uint32()
		for range r.IntN(4) {
			rec.Counts = append(rec.Counts, frame.Count{Event: strings.Repeat("e", r.IntN(200)), Item: "i", Day: int32(r.Uint32()), N: r.Uint32()})
		}
		return rec
	}
	rec.ID, rec.Subject, rec.Source, rec.Received = random(), random(), uint32(r.IntN(3)), received-r.Int64N(1<<40)
	if r.IntN(3) == 0 {
		rec.Order = random()
	}
	for _, i := range r.Perm(len(categories))[:r.IntN(len(categories)+1)] {
		sealed := make([]byte, r.IntN(300))
		for i := range sealed {
			sealed[i] = byte(r.Uint32())
		}
		rec.Parts = append(rec.Parts, frame.Part{Category: categories[i], Sealed: sealed})
	}
	return rec
}

func TestAFrameIsReadAsItWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 1))
	for n := range 2000 {
		f := drawn(r)
		before := []byte("before")
		b, err := f.Append(before)
		if err != nil {
			t.Fatal(err)
		}
		b = b[len(before):]
		got, err := frame.Decode(b)
		if err != nil {
			t.Fatalf("seed %d, frame %d: %v", seed, n, err)
		}
		if len(f.Records)+len(got.Records) > 0 && !reflect.DeepEqual(f, got) {
			t.Fatalf("seed %d, frame %d: %s", seed, n, cmp.Diff(f, got))
		}
		again, err := got.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("seed %d, frame %d: written again it is another, %v", seed, n, err)
		}
	}
}

func TestTheHeadHasTheKeysWithoutTheRest(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 2))
	for range 200 {
		f := drawn(r)
		b, err := f.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []frame.Key
		for _, r := range f.Records {
			if r.Repeat != (frame.Key{}) {
				want = append(want, r.Repeat)
			}
		}
		h, err := frame.DecodeHead(b[:frame.HeadLen(b)])
		if err != nil {
			t.Fatal(err)
		}
		h.Keys(func(k frame.Key) { got = append(got, k) })
		if !reflect.DeepEqual(got, want) || h.Seq != f.Seq || h.Received != f.Received || h.Records != len(f.Records) || h.Whole != len(b) {
			t.Fatalf("the head is %+v with keys %x, want those of %+v", h, got, f)
		}
	}
}

func TestNoByteOfAFrameCanBeChanged(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 3))
	f := drawn(r)
	for len(f.Records) < 5 {
		f = drawn(r)
	}
	b, err := f.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= byte(1 << r.IntN(8))
		if _, err := frame.Decode(changed); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("byte %d of %d was changed: %v", i, len(b), err)
		}
		if _, err := frame.Decode(b[:i]); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("cut at byte %d of %d: %v", i, len(b), err)
		}
	}
	if _, err := frame.Decode(append(b, 0)); err == nil {
		t.Error("a byte too many is let through")
	}
}

func TestARecordThatBreaksARuleIsRefusedByName(t *testing.T) {
	who, id := thimble.SubjectID{1}, thimble.ID{1}
	part := frame.Part{Category: "c", Sealed: []byte{1}}
	for want, r := range map[string]frame.Record{
		"no id":                 {Subject: who, Parts: []frame.Part{part}},
		"no subject":            {ID: id, Parts: []frame.Part{part}},
		"lead to nobody":        {ID: id, Subject: who, Counts: []frame.Count{{N: 1}}},
		"have one category":     {ID: id, Subject: who, Parts: []frame.Part{part, part}},
		"0 bytes, 1 to 255":     {ID: id, Subject: who, Parts: []frame.Part{{}}},
		"at most 255 parts":     {ID: id, Subject: who, Parts: make([]frame.Part, 256)},
		"longer than 1024":      {Counts: []frame.Count{{Event: strings.Repeat("x", 1025)}}},
		"at most 65536 counts":  {Counts: make([]frame.Count, 65537)},
		"part 0 has 256 bytes,": {ID: id, Subject: who, Parts: []frame.Part{{Category: thimble.Category(strings.Repeat("x", 256))}}},
	} {
		f := frame.Frame{Records: []frame.Record{{}, r}}
		b, err := f.Append([]byte("x"))
		if !errors.Is(err, thimble.ErrInvalid) || string(b) != "x" {
			t.Errorf("%s: %q, %v", want, b, err)
		} else if want = strings.TrimPrefix(want, "part 0 has "); !strings.Contains(err.Error(), strings.TrimSuffix(want, ",")) || !strings.Contains(err.Error(), "record 1") {
			t.Errorf("the error is %q, want it to say %q", err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(seed, 4))
	for range 20 {
		d := drawn(r)
		b, err := d.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame.Repair(b) // checksums would keep the fuzzer out
		got, err := frame.Decode(b)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := got.Append(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is read as %+v and written as %x, %v", b, got, again, err)
		}
	})
}

func TestPartsAreMergedToTheWhole(t *testing.T) {
	for name, c := range map[string]struct {
		parts []string
		want  string
	}{
		"none":                      {nil, `{}`},
		"one":                       {[]string{`{"a":1}`}, `{"a":1}`},
		"keys":                      {[]string{`{"a":1}`, `{"b":2}`}, `{"a":1,"b":2}`},
		"depth":                     {[]string{`{"a":{"b":1}}`, `{"a":{"c":{"d":[true]}}}`}, `{"a":{"b":1,"c":{"d":[true]}}}`},
		"arrays":                    {[]string{`{"p":[{"a":1},{"a":2}]}`, `{"p":[{},{"s":"M"}]}`}, `{"p":[{"a":1},{"a":2,"s":"M"}]}`},
		"a longer array":            {[]string{`{"p":[{"a":1}]}`, `{"p":[{},{"s":"M"}]}`}, `{"p":[{"a":1},{"s":"M"}]}`},
		"null is a place":           {[]string{`{"p":[null,"b"],"q":null}`, `{"p":["a",null],"q":[1]}`}, `{"p":["a","b"],"q":[1]}`},
		"the same":                  {[]string{`{"a":1,"b":[2]}`, `{"a":1,"b":[2]}`}, `{"a":1,"b":[2]}`},
		"another spelling of a key": {[]string{`{"consent":{"a":1}}`, `{"cons\u0065nt":{"b":1}}`}, `{"consent":{"a":1,"b":1}}`},
	} {
		var parts [][]byte
		for _, p := range c.parts {
			parts = append(parts, []byte(p))
		}
		if got, err := frame.Merge(parts...); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestPartsThatContradictAreAnError(t *testing.T) {
	for _, c := range [][2]string{
		{`{"a":1}`, `{"a":2}`}, {`{"a":1}`, `{"a":1.0}`}, {`{"a":1}`, `{"a":"1"}`}, {`{"a":{}}`, `{"a":[]}`}, {`{"a":[1]}`, `{"a":[2]}`},
		{`{"a":1}`, `[]`}, {`{"a":1}`, `{"b":1} x`}, {`{"a":1}`, `{"b":1,"b":2}`}, {`{"a":1}`, `{"b":`}, {`{"a":1}`, ``}, {`{`, `{}`}, {`7`, `{}`},
	} {
		if got, err := frame.Merge([]byte(c[0]), []byte(c[1])); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s and %s: %s, %v", c[0], c[1], got, err)
		}
	}
	for _, one := range []string{``, `7`, `[1]`, `{`} {
		if got, err := frame.Merge([]byte(one)); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q alone: %s, %v", one, got, err)
		}
	}
}

// TestWhateverIsTakenApartIsMergedAgain takes objects apart at random and merges the parts.
func TestWhateverIsTakenApartIsMergedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 5))
	for n := range 3000 {
		whole := drawnJSON(r, 0, true)
		parts := apart(r, whole, 1+r.IntN(4))
		got, err := frame.Merge(parts...)
		if err != nil {
			t.Fatalf("seed %d, object %d: %v in %s", seed, n, err, parts)
		}
		var value any
		if err := json.Unmarshal(got, &value); err != nil {
			t.Fatalf("seed %d, object %d: %v in %s", seed, n, err, got)
		}
		if diff := cmp.Diff(whole, value); diff != "" {
			t.Fatalf("seed %d, object %d, parts %s: %s", seed, n, parts, diff)
		}
	}
}

func drawnJSON(r *rand.Rand, depth int, object bool) any {
	switch k := r.IntN(8); {
	case object || depth < 4 && k < 2:
		m := map[string]any{}
		for range r.IntN(5) {
			m[fmt.Sprintf("k\"%d", r.IntN(9))] = drawnJSON(r, depth+1, false)
		}
		return m
	case depth < 4 && k < 4:
		all := []any{}
		for range r.IntN(4) {
			all = append(all, drawnJSON(r, depth+1, r.IntN(2) == 0))
		}
		return all
	case k < 6:
		return fmt.Sprintf("value \u00e9 %d", r.IntN(1000))
	}
	return r.IntN(2) == 0
}

// apart writes each scalar into one of n parts.
func apart(r *rand.Rand, whole any, n int) (parts [][]byte) {
	var into func(v any, part int, in func() int) any
	owner := map[string]int{}
	var path []string
	into = func(v any, part int, _ func() int) any {
		key := strings.Join(path, "/")
		switch v := v.(type) {
		case map[string]any:
			m := map[string]any{}
			for k, inner := range v {
				path = append(path, k)
				if got := into(inner, part, nil); got != nil {
					m[k] = got
				}
				path = path[:len(path)-1]
			}
			return m
		case []any:
			all := []any{}
			for i, inner := range v {
				path = append(path, fmt.Sprint(i))
				all = append(all, into(inner, part, nil)) // null holds the place
				path = path[:len(path)-1]
			}
			return all
		}
		if _, ok := owner[key]; !ok {
			owner[key] = r.IntN(n)
		}
		if owner[key] != part {
			return nil
		}
		return v
	}
	for part := range n {
		b, err := json.Marshal(into(whole, part, nil))
		if err != nil {
			panic(err)
		}
		parts = append(parts, b)
	}
	return parts
}
