package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// TestAKilledErasureIsResumedAndNeverHalfCertified kills the server at a random moment
// of an erasure, often kills the next start as well, and looks at what lies there before
// anything is resumed, and after.
func TestAKilledErasureIsResumedAndNeverHalfCertified(t *testing.T) {
	program, dir, files := binary(t), t.TempDir(), t.TempDir()
	chance := rand.New(rand.NewPCG(seed, 31))
	var victims []thimble.SubjectID
	kills, starts, interrupted, resumed, certified := rounds(6, 200), 0, 0, 0, 0
	found, began, takes := map[string]int{}, time.Now(), time.Duration(0)
	var spare *http.Cookie
	for round := range kills + 1 {
		var cookie *http.Cookie
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { // which closes the installation at its end
			s := thimbletest.Open(t, map[string]string{"data": dir, "drop-folder": files})
			outlived(t, s)
			if round == 0 {
				victims = peopled(s, kills+2) // and one whose erasure nobody disturbs
			} else {
				if said := forgotten(t, s, victims[round-1], round); said.Resumed {
					resumed++
				}
				certified++
			}
			who := victims[round]
			cookie = signsIn(t, s, who)
			if round == 0 {
				spare = signsIn(t, s, victims[kills+1])
			}
		})
		if t.Failed() || round == kills {
			break
		}
		server := start(t, program, "serve", "--data", dir, "--drop-folder", files, "--listen", "127.0.0.1:0", "--log-level", "error")
		forget := func(who *http.Cookie) int {
			return posts(t.Context(), server.url+"/privacy/forget", who, url.Values{"word": {"FORGET"}})
		}
		if round == 0 {
			asked := time.Now()
			if got := forget(spare); got != http.StatusSeeOther {
				t.Fatalf("an erasure that nobody disturbs is answered with %d", got)
			}
			takes = time.Since(asked)
		}
		answered := make(chan int, 1)
		go func() { answered <- forget(cookie) }()
		begun(t, dir, answered, `kind = 'erase' and report like '%"before_sha256"%'`)
		asked := time.Now()
		time.Sleep(time.Duration(chance.Int64N(int64(takes * 5 / 4))))
		server.kill(t)
		switch found[reached(t, dir, victims[round])]++; {
		case <-answered != http.StatusSeeOther: // it takes longer than that; most kills are to come before its end
			interrupted++
			takes = max(takes, time.Since(asked)*5/4)
		default:
			takes = takes * 7 / 8
		}
		halfCertified(t, dir, round)
		for chance.IntN(2) == 0 { // the start that takes it up is killed too
			stillborn(t, program, dir, time.Duration(5+chance.IntN(300))*time.Millisecond)
			halfCertified(t, dir, round)
			starts++
		}
	}
	if interrupted == 0 || resumed == 0 {
		t.Error("no erasure was interrupted and taken up: the test proves nothing on this machine")
	}
	t.Logf("%d kills and %d of the starts after (seed %d): %d erasures were not answered, %d of them were taken up by a later start, %d were certified; %.0f s; the kill found %v",
		kills, starts, seed, interrupted, resumed, certified, time.Since(began).Seconds(), found)
}

func signsIn(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) *http.Cookie {
	t.Helper()
	token, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "thimble_customer", Value: token}
}

// reached says how far the erasure of somebody had come when the server was killed.
func reached(t *testing.T, dir string, who thimble.SubjectID) (stage string) {
	t.Helper()
	ctx := t.Context()
	var there, keys, open, uncertified int
	inCore(t, dir, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select (select count(*) from subject_subjects where id = $1 and state <> 'erased'),
			(select count(*) from rights_requests where kind = 'erase' and state = 'executing'),
			(select count(*) from rights_requests r where r.kind = 'erase' and r.state = 'fulfilled' and not exists (select 1 from rights_certificates c where c.request_id = r.id))`, who).Scan(&there, &open, &uncertified)
	})
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(dir, "keys", "keys.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was only read
	if err := db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from vault_keys where owner = $1`, who).Scan(&keys)
	}); err != nil {
		t.Fatal(err)
	}
	switch {
	case there > 0:
		return "nothing destroyed"
	case keys > 0:
		return "holders under way"
	case open > 0:
		return "keys destroyed"
	case uncertified > 0:
		return "done, not certified"
	}
	return "certified"
}

// outlived waits until the lease of the process that was killed has ended.
func outlived(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	for range 300 {
		_, err := s.Ledger.Integrate(t.Context())
		if err == nil {
			return
		}
		if !errors.Is(err, thimble.ErrConflict) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the ledger's lease does not end")
}

// peopled gives the shop those who are to be forgotten, and others, so that there is a
// model.
func peopled(s *thimbletest.Shop, n int) (victims []thimble.SubjectID) {
	for i := range 12 {
		who := s.Subject(fmt.Sprintf("crowd-%d", i), thimbletest.Allows(thimble.PersonalizeContent, thimble.TrainAISystem)...)
		s.Buys(who, "shirt", "belt", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
	}
	for i := range n {
		victims = append(victims, victim(s, i))
	}
	s.Works()
	for _, who := range victims {
		s.Sees(who)
	}
	return victims
}

// victim is somebody of whom many holders keep something, and a recipient too.
func victim(s *thimbletest.Shop, round int) thimble.SubjectID {
	who := s.Subject(fmt.Sprintf("victim-%d", round), thimbletest.Allows(thimble.PersonalizeContent, thimble.TrainAISystem)...)
	s.Buys(who, "shirt", "scarf", "extra-1")
	s.Browses(who, "shirt")
	s.Discloses(who)
	for more := true; more; {
		var err error
		if more, err = s.Disclose.Step(context.Background()); err != nil {
			s.TB.Fatal(err)
		}
	}
	return who
}

// posts sends a form as a browser does, and returns the status; 0 for no answer.
func posts(ctx context.Context, address string, who *http.Cookie, form url.Values) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(who)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// begun waits until a request is written down that is being done, or answered already, or a
// minute is over.
func begun(t *testing.T, dir string, answered <-chan int, which string) {
	t.Helper()
	beside(t, dir, func(db *sqldb.DB) error {
		for until := time.Now().Add(time.Minute); len(answered) == 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
			var n int
			err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*) from rights_requests where state = 'executing' and `+which).Scan(&n)
			})
			if err != nil || n > 0 {
				return err
			}
		}
		return nil
	})
}

// beside reads the core database of an installation, whoever else has it open.
func beside(t *testing.T, dir string, f func(*sqldb.DB) error) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: filepath.Join(dir, "core.db")})
	if err == nil {
		defer db.Close() //nolint:errcheck // it was only read
		err = f(db)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func inCore(t *testing.T, dir string, f func(*sqldb.Tx) error) {
	t.Helper()
	beside(t, dir, func(db *sqldb.DB) error { return db.Read(t.Context(), f) })
}

// halfCertified looks into the database as the kill left it.
func halfCertified(t *testing.T, dir string, round int) {
	t.Helper()
	ctx := t.Context()
	inCore(t, dir, func(tx *sqldb.Tx) error {
		for what, query := range map[string]string{
			"certificates of erasures that are not done": `select count(*) from rights_certificates c left join rights_requests r on r.id = c.request_id where r.id is null or r.state <> 'fulfilled'`,
			"erasures that are done and name somebody":   `select count(*) from rights_requests where kind = 'erase' and state = 'fulfilled' and (subject_id is not null or others is not null)`,
			"erasures that are done of whom rows are left": `select count(*) from rights_requests r where r.kind = 'erase' and r.state = 'fulfilled' and exists (
				select 1 from subject_identifiers i join subject_subjects s on s.id = i.subject where s.state = 'erased')`,
		} {
			var n int
			if err := tx.QueryRow(ctx, query).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				t.Errorf("round %d (seed %d): %d %s", round, seed, n, what)
			}
		}
		return nil
	})
}

// forgotten holds the erasure of somebody to its word, once a start has finished it. An
// erasure that the kill came before is made now.
func forgotten(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, round int) certificate.Statement {
	t.Helper()
	ctx := t.Context()
	if gone, err := s.Subjects.Erased(ctx, []thimble.SubjectID{who}); err != nil {
		t.Fatal(err)
	} else if len(gone) == 0 {
		s.Erase(who)
	}
	all, err := s.Requests.List(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var newest *rights.Request
	for _, r := range all {
		if r.Kind == rights.Erase && r.State == rights.Executing {
			t.Errorf("round %d (seed %d): an erasure is still open", round, seed)
		}
		if r.Kind == rights.Erase && newest == nil {
			newest = &r
		}
	}
	if newest == nil {
		t.Fatalf("round %d (seed %d): there is no erasure", round, seed)
	}
	v, err := certificate.Verify(certificateOf(t, s, newest.Report.Request), s.Ledger.VerifierKey())
	if err != nil {
		t.Fatalf("round %d (seed %d): %v", round, seed, err)
	}
	said := v.Statement
	if len(said.Recipients) != 1 || len(said.Keys.Hashes) != 1 || len(said.Models) != 1 || len(said.Models[0].After) == 0 {
		t.Errorf("round %d (seed %d): recipients %+v, keys %+v, models %+v", round, seed, said.Recipients, said.Keys, said.Models)
	}
	audit, err := s.Audit(ctx)
	if err != nil || len(audit.Findings) > 0 {
		t.Errorf("round %d (seed %d): the audit: %+v, %v", round, seed, audit.Findings, err)
	}
	for _, h := range s.Holders() {
		if e, err := h.Erase(ctx, who); err != nil || e.Erased > 0 {
			t.Errorf("round %d (seed %d): %s had %d left, %v", round, seed, h.HolderName(), e.Erased, err)
		}
	}
	return said
}
