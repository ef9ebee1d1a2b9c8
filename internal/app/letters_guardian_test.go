package app_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

const (
	guardianMail = "grown@example.org"
	childMail    = "small@example.org"
)

// A family is a child whom somebody answers for, both with an address.
type family struct {
	*writer
	guardian, child thimble.SubjectID
}

func familyOf(t *testing.T, on ...string) family {
	f := family{writer: writes(t, on...)}
	f.guardian, f.child = f.Subject("guardian-name"), f.Subject("child-name")
	mailed(t, f.Shop, f.guardian, guardianMail)
	mailed(t, f.Shop, f.child, childMail)
	f.does(func(tx *sqldb.Tx) error {
		return f.Subjects.Relate(t.Context(), tx, subject.Relation{From: f.guardian, To: f.child, Kind: subject.Guardian})
	})
	return f
}

func (f family) does(what func(tx *sqldb.Tx) error) {
	f.t.Helper()
	if err := f.Core.Write(f.t.Context(), what); err != nil {
		f.t.Fatal(err)
	}
}

// gets are the letters that are written now, by their address.
func (f family) gets() map[string]string {
	f.t.Helper()
	got := map[string]string{}
	for _, l := range f.post() {
		if got[l[0]] != "" {
			f.t.Errorf("%s got two letters", l[0])
		}
		if got[l[0]] = l[1]; strings.Contains(l[1], "-name") {
			f.t.Errorf("a letter to %s has a name in it:\n%s", l[0], l[1])
		}
	}
	return got
}

// asks has the guardian ask for something for the child.
func (f family) wants(kind cases.Kind) cases.Case {
	f.t.Helper()
	if code, page := browse(f.t, f.Shop, f.guardian).sends("/privacy/requests", url.Values{"kind": {string(kind)}, "for": {"1"}}); code != http.StatusSeeOther {
		f.t.Fatalf("asking for %s = %d: %s", kind, code, page)
	}
	all, err := f.Cases.Of(f.t.Context(), f.child, 20)
	if err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(c cases.Case) bool { return c.Kind == kind && !c.State.Final() })
	if i < 0 {
		f.t.Fatalf("there is no case of %s", kind)
	}
	return all[i]
}

func (f family) refuses(c cases.Case) {
	f.t.Helper()
	_, err := f.Cases.Do(f.t.Context(), c.ID, cases.Event{What: cases.Declined, By: cases.TheStaff, Staff: "owner", Ground: cases.NotHeld}, thimble.Hide("the diary says so"))
	if err != nil {
		f.t.Fatal(err)
	}
}

func says(t *testing.T, who, letter string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		no := strings.HasPrefix(w, "not ")
		if strings.Contains(letter, strings.TrimPrefix(w, "not ")) == no {
			t.Errorf("the letter to %s is to say %q:\n%s", who, w, letter)
		}
	}
}

// While somebody answers for a child, what they asked for it goes to them; the child is told
// what it opens itself and that it is forgotten; what the child asked stays the child's. When
// the relation or the childhood is over, nobody learns more.
func TestLettersAboutAChildGoToWhoAnswersForIt(t *testing.T) {
	onBoth(t, func(t *testing.T, on ...string) {
		f := familyOf(t, on...)
		ctx := t.Context()

		f.wants(cases.Access)
		got := f.gets()
		says(t, "the guardian", got[guardianMail], "You asked us for something for somebody you answer for", "They open it", "/requests/case_")
		says(t, "the child", got[childMail], "Somebody who answers for you asked", "It is ready", "not You asked")

		refused := f.wants(cases.Complain)
		f.refuses(refused)
		got = f.gets()
		says(t, "the guardian", got[guardianMail], "We did not do what you asked for", "GDPR Art. 12", "not diary")
		if got[childMail] != "" {
			t.Errorf("the child is written to of what it did not ask:\n%s", got[childMail])
		}
		if page := browse(t, f.Shop, f.guardian).page("/privacy/requests/" + caseToken(refused)); !strings.Contains(page, "It was refused") {
			t.Error("the guardian's page does not show the letter")
		}

		// Somebody writes in the child's name; and what the child asks itself.
		f.asks(casesdb.Asked{Subject: f.child, Kind: cases.Restrict, Via: cases.Mail, By: cases.TheStaff, Staff: "owner", Words: thimble.Hide("please stop")})
		got = f.gets()
		says(t, "the child", got[childMail], "Was it you?")
		says(t, "the guardian", got[guardianMail], "somebody you answer for", "it is theirs", "tell us", "not case_", "not Asked for", "not "+cases.Restrict.Words())
		own := f.asks(casesdb.Asked{Subject: f.child, Kind: cases.Complain, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
		f.refuses(own)
		got = f.gets()
		says(t, "the child", got[childMail], "We did not do what you asked for", "diary")
		if got[guardianMail] != "" {
			t.Errorf("the guardian is told of what the child asked:\n%s", got[guardianMail])
		}

		// A letter that lies in the outbox when the relation ends is taken out of it.
		f.refuses(f.wants(cases.Explain))
		f.later(15 * time.Second)
		f.turn()
		f.does(func(tx *sqldb.Tx) error { return f.Subjects.Unrelate(ctx, tx, f.guardian, f.child) })
		f.later(15 * time.Second)
		f.turn()
		if got = f.gets(); len(got) != 0 {
			t.Errorf("after the relation ended there were letters: %q", got)
		}
		f.does(func(tx *sqldb.Tx) error {
			return f.Subjects.Relate(ctx, tx, subject.Relation{From: f.guardian, To: f.child, Kind: subject.Guardian})
		})

		// Forgotten: both are told, with the page of the proof.
		erase := f.wants(cases.Erase)
		if _, err := f.Cases.Accept(ctx, erase.ID, cases.TheStaff, "owner"); err != nil {
			t.Fatal(err)
		}
		got = f.gets()
		says(t, "the guardian", got[guardianMail], "Somebody you answer for is being forgotten", "/privacy/forgotten/req_")
		says(t, "the child", got[childMail], "asked us to forget you", "/privacy/forgotten/req_", "not You asked")
		if _, err := f.Desk.Retry(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Desk.Certify(ctx); err != nil {
			t.Fatal(err)
		}
		_, proof, _ := strings.Cut(got[guardianMail], "/privacy/forgotten/")
		proof, _, _ = strings.Cut(proof, "\n")
		f.certifies(proof)
	})
}

// certifies reads the certificate of an erasure.
func (f family) certifies(request string) { f.t.Helper(); certified(f.t, f.Shop, request) }

// Nobody answers for who is known to be grown up, and a relation of another kind is none.
func TestLettersOfWhoIsGrownUpAreTheirsAlone(t *testing.T) {
	f := familyOf(t)
	ctx := t.Context()
	flat := f.Subject("flat")
	mailed(t, f.Shop, flat, "flat@example.org")
	f.does(func(tx *sqldb.Tx) error {
		if err := f.Subjects.Relate(ctx, tx, subject.Relation{From: flat, To: f.child, Kind: subject.Household}); err != nil {
			return err
		}
		return f.Subjects.SetAge(ctx, tx, f.child, subject.Age{State: subject.AgeAdult, Evidence: "declared"})
	})
	f.asks(casesdb.Asked{Subject: f.child, Kind: cases.Restrict, Via: cases.Mail, By: cases.TheStaff, Staff: "owner"})
	if got := f.gets(); len(got) != 1 || !strings.Contains(got[childMail], "Was it you?") {
		t.Errorf("the letters are %q", got)
	}
}
