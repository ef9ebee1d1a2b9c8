package subjectdb_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

var ctx = context.Background()

// soak has the longer tests run long.
var soak = os.Getenv("THIMBLE_SOAK") != ""

type shop struct {
	t    testing.TB
	core *sqldb.DB
	keys *sqldb.DB
	v    *vault.Vault
	s    *subjectdb.Store
	log  *ledgerdb.Log
}

// each runs f on a shop of each engine.
func each(t *testing.T, f func(shop)) {
	t.Helper()
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) { f(newShop(t, core, keys)) })
}

func newShop(t testing.TB, core, keys *sqldb.DB) shop {
	v := vaulttest.New(t, keys)
	signer, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := ledgerdb.New(core, signer, ledgerdb.Config{})
	return shop{t, core, keys, v, subjectdb.New(core, v, subjectdb.Config{Opener: v, Ledger: log}), log}
}

func mail(value string) subject.Identifier {
	return subject.Identifier{Kind: subject.Email, Value: thimble.Hide(value)}
}

func (h shop) person(value string) thimble.SubjectID {
	h.t.Helper()
	drafts, err := h.s.Draft(ctx, []subject.Identifier{mail(value)})
	if err == nil {
		err = h.create(drafts[0])
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return drafts[0].ID
}

func (h shop) create(d subjectdb.Draft) error {
	return h.core.Write(ctx, func(tx *sqldb.Tx) error { return h.s.Create(ctx, tx, d) })
}

func (h shop) export(id thimble.SubjectID) (data []thimble.Datum) {
	h.t.Helper()
	for d, err := range h.s.Export(ctx, id) {
		if err != nil {
			h.t.Fatal(err)
		}
		data = append(data, d)
	}
	return data
}

func (h shop) suppressed(value string) bool {
	h.t.Helper()
	got, err := h.s.Suppressed(ctx, []subject.Identifier{mail(value)})
	if err != nil {
		h.t.Fatal(err)
	}
	return got[0]
}

func wantKind(t testing.TB, doing string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want kind %q", doing, err, kind)
	}
}

func TestAPersonIsFoundByAnySpelling(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("Ada@example.org")

		got, err := h.s.Find(ctx, mail(" ada@EXAMPLE.org"))

		if err != nil || got != ada {
			h.t.Errorf("Find = %s, %v, want %s", got, err, ada)
		}
		_, err = h.s.Find(ctx, mail("bob@example.org"))
		wantKind(h.t, "finding a stranger", err, thimble.ErrNotFound)
		_, err = h.s.Find(ctx, mail("bob"))
		wantKind(h.t, "finding nonsense", err, thimble.ErrInvalid)
		// The same text as another kind is another identifier.
		_, err = h.s.Find(ctx, subject.Identifier{Kind: subject.Account, Value: thimble.Hide("ada@example.org")})
		wantKind(h.t, "finding by another kind", err, thimble.ErrNotFound)
	})
}

func TestAnImportOfThousandsIsOneBatch(t *testing.T) {
	each(t, func(h shop) {
		const n = 1200
		ids := make([]subject.Identifier, n)
		for i := range ids {
			ids[i] = mail("c" + strconv.Itoa(i) + "@example.org")
		}
		ids[7] = subject.Identifier{Kind: subject.Account, Value: thimble.Hide("7")}
		drafts, err := h.s.Draft(ctx, ids)
		if err != nil {
			h.t.Fatal(err)
		}
		err = h.core.Write(ctx, func(tx *sqldb.Tx) error {
			for _, d := range drafts {
				if err := h.s.Create(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}

		found, err := h.s.FindAll(ctx, append(slices.Clone(ids), mail("nobody@example.org")))

		if err != nil || len(found) != n+1 || !found[n].IsZero() {
			h.t.Fatalf("FindAll = %d ids, %v", len(found), err)
		}
		for i, d := range drafts {
			if found[i] != d.ID {
				h.t.Fatalf("person %d: found %s, want %s", i, found[i], d.ID)
			}
		}
		if got, err := h.s.Count(ctx); err != nil || got != n {
			h.t.Errorf("Count = %d, %v, want %d", got, err, n)
		}
		var paged []thimble.SubjectID
		for after := (thimble.SubjectID{}); ; {
			page, err := h.s.Page(ctx, after, 500)
			if err != nil {
				h.t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged, after = append(paged, page...), page[len(page)-1]
		}
		if len(paged) != n || !slices.IsSortedFunc(paged, func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) }) {
			h.t.Errorf("pages hold %d subjects, want %d in order", len(paged), n)
		}
		exists, err := h.s.Exists(ctx, append(paged, thimble.SubjectID{1}))
		if err != nil || slices.Index(exists, false) != n {
			h.t.Errorf("Exists: the first missing is %d, %v, want %d", slices.Index(exists, false), err, n)
		}
	})
}

func TestOneIdentifierBelongsToOnePerson(t *testing.T) {
	each(t, func(h shop) {
		drafts, err := h.s.Draft(ctx, []subject.Identifier{mail("ada@example.org"), mail("ADA@example.org"), mail("bob@example.org")})
		if err != nil {
			h.t.Fatal(err)
		}
		results := make([]error, 2)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = h.create(drafts[i]) })
		}
		wg.Wait()

		lost := slices.IndexFunc(results, func(err error) bool { return err != nil })
		if lost < 0 || results[1-lost] != nil {
			h.t.Fatalf("creating twice at once: %v, want one conflict", results)
		}
		wantKind(h.t, "the loser", results[lost], thimble.ErrConflict)
		// A conflict leaves the transaction usable.
		err = h.core.Write(ctx, func(tx *sqldb.Tx) error {
			wantKind(h.t, "again", h.s.Create(ctx, tx, drafts[lost]), thimble.ErrConflict)
			return h.s.Create(ctx, tx, drafts[2])
		})
		if err != nil {
			h.t.Fatal(err)
		}
		if n, err := h.s.Count(ctx); err != nil || n != 2 {
			h.t.Errorf("Count = %d, %v, want 2", n, err)
		}
	})
}

func TestAForgottenPersonIsRecognisedAndNothingElse(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		h.live(ada, "FR")
		epoch, _ := h.s.Epoch(ctx, ada)

		done, err := h.s.Erase(ctx, ada)

		if err != nil || done.Erased != 2 || len(done.Kept) != 1 {
			h.t.Errorf("Erase = %+v, %v, want an identifier and a residence", done, err)
		}
		if got := h.export(ada); got != nil {
			h.t.Errorf("export after erasure = %v, want nothing", got)
		}
		_, err = h.s.Find(ctx, mail("ada@example.org"))
		wantKind(h.t, "finding", err, thimble.ErrNotFound)
		_, err = h.s.Epoch(ctx, ada)
		wantKind(h.t, "epoch", err, thimble.ErrNotFound)
		if !h.suppressed("Ada@Example.org") || h.suppressed("bob@example.org") {
			h.t.Error("the forgotten person alone should be suppressed")
		}
		if again, err := h.s.Erase(ctx, ada); err != nil || again.Erased != 0 {
			h.t.Errorf("erasing again = %+v, %v, want nothing", again, err)
		}
		if never, err := h.s.Erase(ctx, thimble.SubjectID{9}); err != nil || never.Erased != 0 {
			h.t.Errorf("erasing a stranger = %+v, %v, want nothing", never, err)
		}
		if exists, err := h.s.Exists(ctx, []thimble.SubjectID{ada, bob}); err != nil || !cmp.Equal(exists, []bool{false, true}) {
			h.t.Errorf("Exists = %v, %v", exists, err)
		}
		h.checkTombstone(ada, epoch+1)

		// Signing up again makes another person; the suppression stays.
		if anew := h.person("ada@example.org"); anew == ada {
			h.t.Error("the id was given again")
		}
		if !h.suppressed("ada@example.org") {
			h.t.Error("the suppression was lost by signing up")
		}
	})
}

func (h shop) live(id thimble.SubjectID, country string) {
	h.t.Helper()
	err := h.core.Write(ctx, func(tx *sqldb.Tx) error {
		return h.s.SetResidence(ctx, tx, id, subject.Residence{Country: country, Evidence: "order", At: time.Now()})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h shop) checkTombstone(id thimble.SubjectID, epoch int64) {
	h.t.Helper()
	var got int64
	var state string
	var residence, created any
	err := h.core.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select state, epoch, residence, coalesce(created_at, seen_on) from subject_subjects where id = $1`, id[:]).
			Scan(&state, &got, &residence, &created)
	})
	if err != nil || state != "erased" || got != epoch || residence != nil || created != nil {
		h.t.Errorf("tombstone = %s, epoch %d, %v, %v, %v, want erased, epoch %d and nothing else", state, got, residence, created, err, epoch)
	}
}

func TestAnExportHoldsWhatWeKnow(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("ada@example.org")
		h.live(ada, "FR")

		got := map[string]any{}
		for _, d := range h.export(ada) {
			got[d.Name] = d.Value
		}

		if home, _ := got["residence"].(subject.Residence); home.Country != "FR" || home.Evidence != "order" {
			h.t.Errorf("residence = %v", got["residence"])
		}
		delete(got, "residence")
		if diff := cmp.Diff(got, map[string]any{"email": "ada@example.org", "known since": ada.String(), "here last": time.Now().UTC().Format(time.DateOnly)}); diff != "" {
			h.t.Error(diff)
		}
		blind := subjectdb.New(h.core, h.v, subjectdb.Config{})
		for _, err := range blind.Export(ctx, ada) {
			wantKind(h.t, "exporting without an opener", err, thimble.ErrDenied)
		}
	})
}

func TestWhatEntersAVerdictMovesTheEpoch(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("ada@example.org")
		if sealed, err := h.s.Residence(ctx, ada); err != nil || sealed != nil {
			h.t.Errorf("residence of a new person = %v, %v, want unknown", sealed, err)
		}
		first, _ := h.s.Epoch(ctx, ada)
		h.live(ada, "FR")
		second, _ := h.s.Epoch(ctx, ada)
		var third int64
		err := h.core.Write(ctx, func(tx *sqldb.Tx) (err error) {
			third, err = h.s.Touch(ctx, tx, ada)
			return err
		})
		if err != nil || first != 1 || second != 2 || third != 3 {
			h.t.Errorf("epochs = %d, %d, %d, %v, want 1, 2, 3", first, second, third, err)
		}
		err = h.core.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := h.s.Touch(ctx, tx, thimble.SubjectID{9})
			wantKind(h.t, "touching a stranger", err, thimble.ErrNotFound)
			return h.s.SetResidence(ctx, tx, ada, subject.Residence{Country: "UK", Evidence: "order"})
		})
		wantKind(h.t, "a country that is none", err, thimble.ErrInvalid)
	})
}

// grant is what the gate gives.
type grant struct {
	v *vault.Vault
	s thimble.SubjectID
}

func (g grant) Subject() thimble.SubjectID   { return g.s }
func (g grant) Members() []thimble.SubjectID { return []thimble.SubjectID{g.s} }
func (g grant) Purpose() thimble.Purpose     { return thimble.EssentialService }
func (g grant) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	if c.Owner != g.s {
		return nil, thimble.ErrDenied
	}
	return g.v.Open(ctx, c, sealed)
}

func TestAResidenceOpensUnderItsOwnersGrantOnly(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		h.live(ada, "DE")
		sealed, err := h.s.Residence(ctx, ada)
		if err != nil {
			h.t.Fatal(err)
		}
		if got, err := subject.OpenResidence(ctx, grant{h.v, ada}, ada, sealed); err != nil || got.Country != "DE" {
			h.t.Errorf("residence = %v, %v, want DE", got, err)
		}
		_, err = subject.OpenResidence(ctx, grant{h.v, bob}, ada, sealed)
		wantKind(h.t, "another person's grant", err, thimble.ErrDenied)
		if got, err := subject.OpenResidence(ctx, grant{h.v, ada}, ada, nil); err != nil || got != (subject.Residence{}) {
			h.t.Errorf("no residence = %v, %v, want unknown", got, err)
		}
	})
}

func TestAnAbandonedDraftLosesItsKey(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("ada@example.org")
		abandoned, err := h.s.Draft(ctx, []subject.Identifier{mail("bob@example.org")})
		if err != nil {
			h.t.Fatal(err)
		}
		n, err := h.v.Sweep(ctx, h.s.Missing, -time.Minute)
		if err != nil || n != 1 {
			h.t.Errorf("Sweep = %d, %v, want 1", n, err)
		}
		c := thimble.Cell{Owner: abandoned[0].ID, Table: "t", Column: "c"}
		_, err = h.v.Seal(ctx, c, nil)
		wantKind(h.t, "sealing for an abandoned draft", err, thimble.ErrNotFound)
		if got := h.export(ada); len(got) != 3 {
			h.t.Errorf("export of the living = %v", got)
		}
	})
}

func TestNoFileRemembersAForgottenPerson(t *testing.T) {
	dir := t.TempDir()
	open := func(set string) *sqldb.DB {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: set, Path: filepath.Join(dir, set+".db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	h := newShop(t, open(sqldb.Core), open(sqldb.Keys))
	people := 2000
	if os.Getenv("THIMBLE_SOAK") != "" {
		people = 50_000
	}
	h.crowd(people) // pages split around ada
	ada := h.person("ada@example.org")
	h.live(ada, "FR")
	h.crowd(people / 4)
	needles := h.traces(ada)
	for name, needle := range needles {
		if name != "plain" && len(grep(t, dir, needle)) == 0 {
			t.Fatalf("%s of a living person is in no file: the scan looks in the wrong place", name)
		}
	}

	if _, err := h.s.Erase(ctx, ada); err != nil {
		t.Fatal(err)
	}
	if _, err := h.v.Shred(ctx, ada); err != nil {
		t.Fatal(err)
	}

	for name, needle := range needles {
		if found := grep(t, dir, needle); found != nil {
			t.Errorf("%s is still in %v", name, found)
		}
	}
}

var crowds int

func (h shop) crowd(n int) {
	h.t.Helper()
	ids := make([]subject.Identifier, n)
	for i := range ids {
		crowds++
		ids[i] = mail("p" + strconv.Itoa(crowds) + "@example.net")
	}
	drafts, err := h.s.Draft(ctx, ids)
	if err == nil {
		err = h.core.Write(ctx, func(tx *sqldb.Tx) error {
			for _, d := range drafts {
				if err := h.s.Create(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// traces returns what of a person lies in files.
func (h shop) traces(id thimble.SubjectID) map[string][]byte {
	h.t.Helper()
	keys, err := vaultdb.New(h.keys).Keys(ctx, id, "", false)
	if err != nil || len(keys) != 1 {
		h.t.Fatal(keys, err)
	}
	residence, err := h.s.Residence(ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	identifiers, err := h.s.Identifiers(ctx, id)
	if err != nil || len(identifiers) != 1 {
		h.t.Fatal(identifiers, err)
	}
	row := identifiers[0].Cell.Row
	return map[string][]byte{
		"wrapped key": keys[0].Wrapped, "residence": residence, "identifier": identifiers[0].Sealed,
		"blind index": row[len(row)-vault.IndexLen:], "plain": []byte("ada@example.org"),
	}
}

func grep(t testing.TB, dir string, needle []byte) (found []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, needle) {
			found = append(found, f.Name())
		}
	}
	return found
}

func TestErrorsNameTheRowNotTheValue(t *testing.T) {
	each(t, func(h shop) {
		_, err := h.s.Draft(ctx, []subject.Identifier{mail("ada@example.org"), mail("secret")})
		wantKind(h.t, "drafting", err, thimble.ErrInvalid)
		if !strings.Contains(err.Error(), "identifier 2 of 2") || strings.Contains(err.Error(), "secret") {
			h.t.Errorf("error = %v", err)
		}
	})
}
