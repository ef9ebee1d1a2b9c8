package subjectdb_test

import (
	"testing"
	"time"

	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

func TestAnAddressThatCameWithAPersonWasNotAddedAndALaterOneWas(t *testing.T) {
	sharedEach(t, func(t *testing.T, core *sqldb.DB, s *subjectdb.Store, at *time.Time) {
		id := func(kind subject.Kind, value string) subject.Identifier {
			i, err := subject.NewIdentifier(kind, value)
			if err != nil {
				t.Fatal(err)
			}
			return i
		}
		write := func(f func(*sqldb.Tx) error) {
			t.Helper()
			if err := core.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		drafts, err := s.Draft(t.Context(), []subject.Identifier{id(subject.Account, "17")})
		if err != nil {
			t.Fatal(err)
		}
		who := drafts[0].ID
		write(func(tx *sqldb.Tx) error { return s.Create(t.Context(), tx, drafts[0]) })
		add := func(value string) {
			d, err := s.DraftFor(t.Context(), who, id(subject.Email, value))
			if err != nil {
				t.Fatal(err)
			}
			write(func(tx *sqldb.Tx) error { return s.Add(t.Context(), tx, d) })
		}
		added := func(k subject.Kind) (when time.Time) {
			write(func(tx *sqldb.Tx) (err error) {
				when, err = s.AddedTx(t.Context(), tx, who, k)
				return err
			})
			return when
		}
		add("ada@example.org")
		if got := added(subject.Email); !got.IsZero() {
			t.Errorf("an address that came with the person was added at %s", got)
		}
		*at = at.Add(24 * time.Hour)
		add("ada@example.net")
		if got := added(subject.Email); !got.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("added at %s, want %s", got, at)
		}
		if got := added(subject.Phone); !got.IsZero() {
			t.Errorf("a phone number was added at %s, and there is none", got)
		}
	})
}
