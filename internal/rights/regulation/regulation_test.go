package regulation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/regulation"
)

func TestEachVerbAsksForARight(t *testing.T) {
	for text, want := range map[string]cases.Kind{
		"SUPPRESS_WITH_DELETE": cases.Erase, "SUPPRESS_AND_DELETE": cases.Erase, "Suppress_With_Delete": cases.Erase, "SUPPRESS_WITH_DELETE_INTERNAL": cases.Erase,
		"DELETE_ONLY": cases.Erase, "DELETE_INTERNAL": cases.Erase, "SUPPRESS_ONLY": cases.Restrict, "UNSUPPRESS": cases.Lift,
	} {
		if v, err := regulation.ParseVerb(text); err != nil || v.Kind() != want {
			t.Errorf("%s asks for %s, %v, want %s", text, v.Kind(), err, want)
		}
	}
	for _, text := range []string{"", "DELETE", "DELETE_ARCHIVE_ONLY", "SUPPRESS"} {
		if _, err := regulation.ParseVerb(text); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}

func TestIdsAreTakenOnceAndNoErrorRepeatsOne(t *testing.T) {
	ids, err := regulation.ParseIDs("user_id", []string{"42", " 42 ", "43"})
	if err != nil || len(ids) != 2 || ids[1].Value.Reveal() != "43" {
		t.Errorf("%d ids, %v", len(ids), err)
	}
	for name, tt := range map[string]struct {
		kind   string
		values []string
	}{
		"no ids": {"USER_ID", nil}, "too many": {"USER_ID", make([]string, regulation.Most+1)}, "an empty one": {"USER_ID", []string{"42", ""}},
		"a kind that is not there": {"OBJECT_ID", []string{"42"}}, "no address": {"EMAIL", []string{"ada@example.com", "secret at example"}},
	} {
		_, err := regulation.ParseIDs(tt.kind, tt.values)
		if !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "42") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheStatusIsThatOfAllTogether(t *testing.T) {
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	with := func(v regulation.Verb, unknown, untouched int, states ...cases.State) regulation.Regulation {
		r := regulation.Regulation{Verb: v, At: at, Unknown: unknown, Untouched: untouched}
		for _, s := range states {
			of := regulation.Of{State: s}
			if s.Final() {
				of.Closed = at.Add(time.Hour)
			}
			r.Cases = append(r.Cases, of)
		}
		return r
	}
	for name, tt := range map[string]struct {
		r    regulation.Regulation
		want regulation.Status
	}{
		"nothing is begun":         {with(regulation.DeleteOnly, 1, 0, cases.Received, cases.Received), regulation.Initialized},
		"one is begun":             {with(regulation.DeleteOnly, 0, 0, cases.Received, cases.Executing), regulation.Running},
		"systems have to answer":   {with(regulation.DeleteOnly, 0, 0, cases.Waiting), regulation.Running},
		"one is done":              {with(regulation.DeleteOnly, 0, 0, cases.Received, cases.Fulfilled), regulation.Running},
		"all are done":             {with(regulation.DeleteOnly, 3, 0, cases.Fulfilled, cases.Fulfilled), regulation.Finished},
		"nobody was meant":         {with(regulation.DeleteOnly, 3, 0), regulation.Finished},
		"one was gone before":      {with(regulation.DeleteOnly, 0, 0, cases.Fulfilled, cases.Lapsed), regulation.Finished},
		"gone, and not restricted": {with(regulation.SuppressOnly, 0, 0, cases.Lapsed), regulation.Failed},
		"one was refused":          {with(regulation.DeleteOnly, 0, 0, cases.Fulfilled, cases.Refused), regulation.PartialSuccess},
		"all were refused":         {with(regulation.DeleteOnly, 0, 0, cases.Refused), regulation.Failed},
		"a limit of their own":     {with(regulation.Unsuppress, 0, 1), regulation.NotSupported},
		"one of two":               {with(regulation.Unsuppress, 0, 1, cases.Fulfilled), regulation.PartialSuccess},
	} {
		if got := tt.r.Status(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if ended := tt.r.Finished(); ended.IsZero() != (tt.want == regulation.Initialized || tt.want == regulation.Running) {
			t.Errorf("%s: it ended %v", name, ended)
		}
	}
}

func FuzzAVerbIsOneOrRefused(f *testing.F) {
	f.Add("SUPPRESS_AND_DELETE")
	f.Add("unsuppress")
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := regulation.ParseVerb(text); err == nil {
			if again, err := regulation.ParseVerb(string(v)); err != nil || again != v {
				t.Errorf("%q reads as %q and then %q", text, v, again)
			}
		}
	})
}
