package app_test

import (
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/policy"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// own writes packs of the operator's own, and returns the settings that take them.
func own(t *testing.T, data string, packs map[string]string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	var hashes []string
	for name, text := range packs {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := policy.Parse([]byte(text)); err == nil {
			hash := p.Hash()
			hashes = append(hashes, hex.EncodeToString(hash[:]))
		}
	}
	return map[string]string{"data": data, "packs": folder, "packs-accept": strings.Join(hashes, ",")}
}

func ruritania(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../policy/testdata/zz.ruritania.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stricter is a rule of a house of its own: no personal lists for anybody.
const stricter = `pack: thimble.regpack/v1
id: zz.house
version: "2"
title: Our own rule
kind: house
status: in_force
applies: {everyone: true}
effective: {from: 2026-01-01, cite: board decision}
checked: 2026-11-21
reviewer: {name: "", date: ""}
sources:
  - {id: board, title: Minutes of the board}
calendar: {rule: eu-1182-71, zone: Europe/Berlin, cite: board decision}
purposes:
  - {use: personalize, mode: prohibited, basis: none, cite: item 4}
`

// TestALawOfOnesOwnIsOneFileInTheFolder is the promise that a law is data, over a
// whole installation: no Go knows of Ruritania.
func TestALawOfOnesOwnIsOneFileInTheFolder(t *testing.T) {
	s := thimbletest.Open(t, own(t, t.TempDir(), map[string]string{"zz.ruritania.yaml": ruritania(t)}))
	h := &house{Shop: s}
	h.serves(t)
	staff := reader{base: h.url, cookies: []*http.Cookie{{Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})}}}
	for path, want := range map[string]string{
		"/console/policy?place=ZZ&on=2026-11-21": "By grace of the king", "/console/policy/packs": "Data Peace Act of Ruritania",
		"/console/policy/packs/zz.ruritania": "coronation", "/console/policy/calendar?from=2026-06-01": "purposes: marketing",
	} {
		if status, body := staff.get(t, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, and lacks %q", path, status, want)
		}
	}
}

func TestAPackThatCannotBeTakenRefusesTheStart(t *testing.T) {
	data := t.TempDir()
	thimbletest.Open(t, own(t, data, map[string]string{"house.yaml": stricter})) // version 2 was here
	for name, c := range map[string]struct {
		packs map[string]string
		want  []string
		kind  error
	}{
		"an older one":  {map[string]string{"house.yaml": strings.Replace(stricter, `"2"`, `"1"`, 1)}, []string{"zz.house@1 is older than version 2", "put that version or a later one back"}, thimble.ErrDenied},
		"a broken one":  {map[string]string{"house.yaml": strings.Replace(stricter, "cite: item 4", "cit: item 4", 1)}, []string{"house.yaml", "line 15", "correct the file, or move it out"}, thimble.ErrInvalid},
		"no pack":       {map[string]string{"house.yaml": stricter, "readme.txt": "x"}, []string{"readme.txt", "a pack is a file called NAME.yaml"}, thimble.ErrInvalid},
		"one in pieces": {map[string]string{"house.yaml": stricter, "b.yaml": stricter}, []string{"zz.house is in"}, thimble.ErrConflict},
		"a circle":      {map[string]string{"house.yaml": strings.Replace(stricter, "status:", "extends: zz.house\nstatus:", 1)}, []string{"circle", "zz.house"}, thimble.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := opens(t, own(t, data, c.packs))
			if !errors.Is(err, c.kind) {
				t.Fatalf("got %v, want %v", err, c.kind)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v lacks %q", err, want)
				}
			}
		})
	}
	unsigned := own(t, data, map[string]string{"house.yaml": stricter})
	delete(unsigned, "packs-accept")
	if err := opens(t, unsigned); !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), "is not signed; sign it, or accept its hash") {
		t.Errorf("unsigned: %v", err)
	}
}

func opens(t *testing.T, settings map[string]string) error {
	t.Helper()
	cfg, err := app.Load(settings, func(string) string { return "" }, os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err == nil {
		err = a.Close()
	}
	return err
}

// What the operator's own rule forbade stays forbidden when its file is gone, until
// somebody accepts that. Then every verdict from before is dead.
func TestALawThatLoosensWaitsAndTheGateKeepsToTheOldOne(t *testing.T) {
	data := t.TempDir()
	ctx := t.Context()
	s := thimbletest.Open(t, own(t, data, map[string]string{"house.yaml": stricter}))
	ada := s.Subject("1001", thimbletest.Allows(thimble.PersonalizeContent)...)
	request := gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "recommend"}, Subject: ada, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory}}
	permits := func(s *thimbletest.Shop) bool {
		t.Helper()
		v, err := s.Gate.Decide(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		return v.Allowed
	}
	if permits(s) {
		t.Fatal("the rule of the house is not kept")
	}
	without := thimbletest.Open(t, map[string]string{"data": data})
	if permits(without) {
		t.Fatal("the file is gone, nobody has accepted that, and personal lists are made")
	}
	pending, err := without.Laws.Regime().Pending(without.Laws.Today())
	if err != nil || len(pending) == 0 {
		t.Fatalf("%d changes wait, %v", len(pending), err)
	}
	service := request
	service.Purpose = thimble.EssentialService
	grant, err := without.Gate.Open(ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, w := range pending {
		ids = append(ids, w.ID())
	}
	if err := without.Laws.Accept(ctx, "owner", "the board took its decision back", ids...); err != nil {
		t.Fatal(err)
	}
	if !permits(without) {
		t.Error("it was accepted, and personal lists are still not made")
	}
	if err := grant.Live(ctx); err == nil {
		t.Error("the law has changed, and a grant from before lives")
	}
	audited(t, without)
}

// audited fails when a row does not say what its leaf does, or a leaf has no row.
func audited(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	s.Works()
	done, err := s.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range done.Findings {
		if f.Table != "clock" {
			t.Errorf("the audit found %+v", f)
		}
	}
}

func TestPeopleAreCountedByResidenceUnderALegalObligation(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		lives := func(account, country, evidence string, choices ...thimble.Purpose) thimble.SubjectID {
			who := s.Subject(account, thimbletest.Allows(choices...)...)
			if country != "" {
				err := s.Core.Write(ctx, func(tx *sqldb.Tx) error {
					return s.Subjects.SetResidence(ctx, tx, who, subject.Residence{Country: country, Evidence: evidence, At: time.Now()})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			return who
		}
		ada := lives("1", "DE", "declared", thimble.PersonalizeContent)
		lives("2", "DE", "order")
		lives("3", "DE", "order")
		lives("4", "FR", "ip") // no evidence
		lives("5", "", "")
		census, err := s.CountPeople(ctx)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := s.Laws.People(ctx)
		if err != nil || kept.Count() != 5 || census.Count() != 5 || len(kept.All) != 3 {
			t.Fatalf("kept %+v, %v", kept.All, err)
		}
		for _, want := range []policy.Group{{Places: []string{"DE"}, Age: -1, Permits: []thimble.Purpose{thimble.PersonalizeContent}, People: 1}, {Places: []string{"DE"}, Age: -1, People: 2}, {Age: -1, People: 2}} {
			if !slices.ContainsFunc(kept.All, func(g policy.Group) bool { return cmp.Equal(g, want) }) {
				t.Errorf("%+v is not among %+v", want, kept.All)
			}
		}
		// Each look is in the use log of the one who was looked at.
		s.Works()
		uses, err := s.Uses.Of(ctx, ada, 100)
		if err != nil || !slices.ContainsFunc(uses, func(u gatedb.Use) bool {
			return u.Kind == gate.Machine && u.Actor == "policy" && u.Purpose == thimble.LegalObligation && slices.Contains(u.Categories, string(thimble.Country))
		}) {
			t.Errorf("uses %+v, %v", uses, err)
		}
		// Who is erased is not counted again.
		s.Erase(ada)
		if _, err := s.CountPeople(ctx); err != nil {
			t.Fatal(err)
		}
		if kept, err = s.Laws.People(ctx); err != nil || kept.Count() != 4 {
			t.Errorf("%d people after an erasure, %v", kept.Count(), err)
		}
		audited(t, s)
	})
}
