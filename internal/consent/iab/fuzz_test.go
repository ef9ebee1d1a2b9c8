package iab_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// grow adds the published strings of one kind to the seeds.
func grow(f *testing.F, kind string) {
	f.Helper()
	for _, v := range published(f) {
		if v.Kind == kind {
			f.Add(v.String)
		}
	}
	m := draws(seed)
	for range 20 {
		var text string
		var err error
		if kind == "tcf" {
			text, err = m.tc().Encode()
		} else {
			text, err = m.gpp().Encode()
		}
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// What is read can be written, and is read again as the same.
func FuzzTCF(f *testing.F) {
	grow(f, "tcf")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := tcf.Decode(text)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		twice, err := tcf.Decode(again)
		if err != nil {
			t.Fatalf("written, but not read: %v", err)
		}
		if one, two := tcFields(s), tcFields(twice); !reflect.DeepEqual(one, two) {
			t.Fatal(cmp.Diff(one, two))
		}
	})
}

func FuzzGPP(f *testing.F) {
	grow(f, "gpp")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := gpp.Decode(text)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		twice, err := gpp.Decode(again)
		if err != nil {
			t.Fatalf("written, but not read: %v", err)
		}
		if one, two := gppFields(s), gppFields(twice); !reflect.DeepEqual(one, two) {
			t.Fatal(cmp.Diff(one, two))
		}
	})
}

func FuzzUSP(f *testing.F) {
	for _, text := range []string{"1YNN", "1---", "1ynn", "1YYN", "2YNN", "1YN", "", "1YN\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := gpp.DecodeUSP(text)
		if err != nil {
			return
		}
		again, err := u.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := gpp.DecodeUSP(again); err != nil || twice != u {
			t.Fatalf("%v became %v, %v", u, twice, err)
		}
	})
}
