package sessiondb_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

var mark = []byte("keyed hash of an address")

func ask(t *testing.T, s *sessiondb.Store, who thimble.SubjectID) sessiondb.Asked {
	t.Helper()
	asked, err := s.Ask(t.Context(), who, mark)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func enter(t *testing.T, s *sessiondb.Store, browser, code string) error {
	t.Helper()
	cookie, who, err := s.Enter(t.Context(), browser, code, "a")
	if err == nil && (who != ada || cookie == "") {
		t.Errorf("came in as %v", who)
	}
	return err
}

func TestACodeWorksOnceInTheBrowserThatAskedForIt(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		asked, other := ask(t, s, ada.Subject), ask(t, s, ada.Subject)
		code := asked.Code.Reveal()
		for name, try := range map[string][2]string{"another browser": {other.Browser, code}, "no browser": {"", code}, "a guess": {asked.Browser, "0000-0000"}} {
			if err := enter(t, s, try[0], try[1]); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: %v, want a denial", name, err)
			}
		}
		if err := enter(t, s, asked.Browser, code); err != nil {
			t.Fatal(err)
		}
		if err := enter(t, s, asked.Browser, code); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the second time: %v, want a denial", err)
		}
	})
}

func TestACodeEndsAfterTenMinutesAndAfterFiveTries(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		tried := ask(t, s, ada.Subject)
		for range session.CodeTries {
			if err := enter(t, s, tried.Browser, "wrong"); !errors.Is(err, thimble.ErrDenied) {
				t.Fatal(err)
			}
		}
		if err := enter(t, s, tried.Browser, tried.Code.Reveal()); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the sixth try was right, and came in: %v", err)
		}
		late := ask(t, s, ada.Subject)
		pass(session.CodeLives)
		if err := enter(t, s, late.Browser, late.Code.Reveal()); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("after ten minutes: %v, want a denial", err)
		}
		ahead := ask(t, s, ada.Subject)
		pass(-time.Hour)
		if err := enter(t, s, ahead.Browser, ahead.Code.Reveal()); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a code of a clock that ran ahead: %v, want a denial", err)
		}
	})
}

func TestNobodysCodeIsMadeAndOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		asked := ask(t, s, thimble.SubjectID{})
		if asked.Send || asked.Browser == "" {
			t.Errorf("asked = %+v, want a code that is not sent", asked)
		}
		if err := enter(t, s, asked.Browser, asked.Code.Reveal()); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the right code of nobody: %v, want a denial", err)
		}
	})
}

func TestAnAddressIsSentSixCodesAnHour(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		sent := 0
		for range 20 {
			if ask(t, s, ada.Subject).Send {
				sent++
			}
		}
		pass(time.Hour)
		if again := ask(t, s, ada.Subject); sent != session.CodesAnHour || !again.Send {
			t.Errorf("sent %d in the first hour, %t in the second", sent, again.Send)
		}
	})
}

func TestOfTwoWhoEnterOneCodeAtOnceOneComesIn(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		for range 5 {
			asked := ask(t, s, ada.Subject)
			errs := make([]error, 4)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { _, _, errs[i] = s.Enter(t.Context(), asked.Browser, asked.Code.Reveal(), "a") })
			}
			all.Wait()
			in := 0
			for _, err := range errs {
				if err == nil {
					in++
				} else if !errors.Is(err, thimble.ErrDenied) {
					t.Error(err)
				}
			}
			if in != 1 {
				t.Errorf("%d came in with one code", in)
			}
		}
	})
}

// leaving is a person who is erased between the mail and the code.
type leaving struct{ gone *bool }

func (l leaving) Alive(context.Context, *sqldb.Tx, thimble.SubjectID) (int64, error) {
	if *l.gone {
		return 0, thimble.ErrNotFound
	}
	return 1, nil
}

func TestWhoWasErasedMeanwhileDoesNotComeIn(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		gone := false
		s := sessiondb.New(db, leaving{&gone}, nil)
		asked := ask(t, s, ada.Subject)
		gone = true
		if err := enter(t, s, asked.Browser, asked.Code.Reveal()); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("got %v, want the denial of a wrong code", err)
		}
	})
}

func TestATokenOfTheShopIsSpentOnce(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		id := sha256.Sum256([]byte("one"))
		token := session.ShopToken{ID: id[:], Expires: time.Now().Add(session.ShopTokenLives)}
		if err := s.Spend(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Spend(t.Context(), token); !errors.Is(err, session.ErrShopToken) {
				t.Errorf("again: %v, want a refusal", err)
			}
		}
	})
}

// Guesses spread over many codes find none: the chance of one among a million is less
// than one in a million.
func TestSpreadGuessesFindNothing(t *testing.T) {
	const seed = 20261129
	guesses := 300
	if os.Getenv("THIMBLE_SOAK") != "" {
		guesses = 1_000_000
	}
	t.Logf("seed %d, %d guesses", seed, guesses)
	s := sessiondb.New(sqldbtest.SQLite(t, sqldb.Core), everybody{}, nil)
	rng := rand.New(rand.NewPCG(seed, 1))
	in := 0
	for done := 0; done < guesses; {
		asked := ask(t, s, ada.Subject)
		for range session.CodeTries + 1 {
			var guess [32]byte
			for i := range guess {
				guess[i] = byte(rng.Uint32())
			}
			code, err := session.NewCode(bytes.NewReader(guess[:]))
			if err != nil {
				t.Fatal(err)
			}
			if enter(t, s, asked.Browser, code) == nil {
				in++
			}
			done++
		}
	}
	if in > 0 {
		t.Errorf("%d of %d guesses came in", in, guesses)
	}
}
