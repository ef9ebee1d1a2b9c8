package canary

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble/internal/rights/certificate"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestOfAMadeUpPersonNothingIsLeft(t *testing.T) {
	r, err := Prove(t.Context(), t.TempDir(), Options{Say: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d strings by %d doors, %d in the person's download; %d files, %d bytes, %d packs, %d needles, %d keyed hashes", r.Planted, len(r.Doors), r.Kept, r.Files, r.Bytes, r.Packs, r.Needles, r.Hashes)
	for _, line := range r.Kinds() {
		t.Error("found again: ", line)
	}
	for _, line := range r.Refused {
		t.Error("refused: ", line)
	}
	// A proof of nothing would hold too.
	if r.Planted < 1000 || r.Kept < 100 || r.Hashes < 40 || r.Files < 20 || r.Bytes < 1<<20 {
		t.Errorf("too little was planted, kept or read: %+v", r)
	}
	b := r.Backups
	t.Logf("the backup from before had %d traces; put back in %s: %d files, %d bytes, %d rows compared", b.Had, b.Took, b.Files, b.Bytes, b.Compared)
	if b.Had < 40 || b.ErasedAgain == 0 || b.Files < 5 || b.Bytes < 1<<20 || b.Compared < 50 || len(b.Model.Cases) != 2 || !r.Holds() {
		t.Errorf("what was put back proves too little, or does not hold: %d erased again, %d findings, %d people taken out of the model", b.ErasedAgain, b.Findings, len(b.Model.Cases))
	}
	for _, d := range Doors() {
		if n := r.Doors[d.Name]; n == 0 && d.Planted() {
			t.Errorf("%s: nothing came in by it", d.Name)
		}
	}
	events, operations := 0, 0
	for name := range r.Doors {
		if strings.HasPrefix(name, eventDoor) {
			events++
		}
		if strings.HasPrefix(name, apiDoor) {
			operations++
		}
	}
	if events < 25 || operations < 30 {
		t.Errorf("%d kinds of events and %d operations of the API: the descriptions are not read", events, operations)
	}
	for _, h := range []string{"subject", "order", "collect", "disclose", "decision", "gate"} {
		if i := slices.IndexFunc(r.Statement.Holders, func(l certificate.Holder) bool { return l.Holder == h }); i < 0 || r.Statement.Holders[i].Erased == 0 {
			t.Errorf("holder %s had nothing to destroy: the person was not everywhere", h)
		}
	}
}

// Every way in of the program is listed, and what is listed is there.
func TestEveryWayInIsListed(t *testing.T) {
	s := thimbletest.New(t)
	inputs, err := s.Inputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, d := range Doors() {
		if listed[d.Name] {
			t.Errorf("%s is listed twice", d.Name)
		}
		listed[d.Name] = true
	}
	problems := unlisted(inputs, listed)
	for _, problem := range problems {
		t.Error(problem)
	}
	if got := unlisted(append(inputs, "POST /console/customers/{subject}/nickname"), listed); len(got) != len(problems)+1 {
		t.Errorf("a page that is new is not noticed: %v", got)
	}
}

// unlisted names the patterns that nobody has listed, and what is listed of pages that are
// not there.
func unlisted(inputs []string, listed map[string]bool) (problems []string) {
	for _, p := range inputs {
		if !strings.HasPrefix(p, "GET ") && !listed["page "+p] {
			problems = append(problems, p+": list it in doors.go: with the fields in which a string is planted, or with the reason why nothing personal comes by it")
		}
	}
	for name := range listed {
		if p, ok := strings.CutPrefix(name, "page "); ok && !slices.Contains(inputs, p) {
			problems = append(problems, p+" is listed and is not there")
		}
	}
	return problems
}

// Whatever way a program that forgets badly keeps something, it is found.
func TestALeakIsFoundWhereverItLies(t *testing.T) {
	zipped := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text)) // into memory
		_ = z.Close()
		return b.Bytes()
	}
	planted := 0
	r, err := Prove(t.Context(), t.TempDir(), Options{Leak: func(l Leaking) error {
		word := func() string { planted++; return l.Words[planted*7] }
		for name, content := range map[string][]byte{
			"data/imports/left": []byte("a," + word()), "data/models/" + strings.Repeat("a", 64): zipped("weights of " + word()), "logs/crash": []byte(base64.StdEncoding.EncodeToString([]byte("panic: " + word()))), "files/slow-query": []byte(word()), "set-before/objects/left": []byte(word()),
		} {
			path := filepath.Join(l.Dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				return err
			}
		}
		return leakRow(l.Core, word())
	}, LeakBack: func(l Leaking) error {
		planted++
		if err := os.WriteFile(filepath.Join(l.Dir, "data", "part"), []byte(l.Words[planted*7]), 0o600); err != nil {
			return err
		}
		db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: filepath.Join(l.Dir, "data", "core.db")})
		if err != nil {
			return err
		}
		planted++
		err = leakRow(db, l.Words[planted*7])
		return errors.Join(err, db.Close())
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"data/imports/left", "data/models/" + strings.Repeat("a", 64), "logs/crash", "files/slow-query", "data/core.db", "set-before/objects/left", "restored/data/part", "restored/data/core.db"} {
		if !slices.ContainsFunc(r.Hits, func(h Hit) bool { return strings.HasPrefix(h.File, file) }) {
			t.Errorf("%s: the leak is not found", file)
		}
	}
	if r.Holds() {
		t.Error("it holds with leaks in it")
	}
}

// leakRow puts a string where nobody of whom it is can be told.
func leakRow(db *sqldb.DB, word string) error {
	return db.Write(context.Background(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(context.Background(), `insert into collect_plan_drafts (id, base, body, author, note, state, revision, version, decided_by, created_at, changed_at) values ($1, 1, '', 'owner', $2, 'open', 1, 0, '', 0, 0)`, []byte(word[:16]), word)
		return err
	})
}
