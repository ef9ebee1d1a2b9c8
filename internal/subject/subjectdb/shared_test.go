package subjectdb_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault/vaulttest"
)

func TestASharedDeviceIsNobodysAndIsKnownForALimitedTime(t *testing.T) {
	sharedEach(t, func(t *testing.T, core *sqldb.DB, s *subjectdb.Store, at *time.Time) {
		device, err := subject.NewIdentifier(subject.Device, "tablet")
		if err != nil {
			t.Fatal(err)
		}
		account, err := subject.NewIdentifier(subject.Account, "tablet") // another kind of the same text
		if err != nil {
			t.Fatal(err)
		}
		drafts, err := s.Draft(t.Context(), []subject.Identifier{device})
		if err != nil {
			t.Fatal(err)
		}
		write := func(f func(*sqldb.Tx) error) {
			t.Helper()
			if err := core.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *sqldb.Tx) error { return s.Create(t.Context(), tx, drafts[0]) })
		epoch, err := s.Epoch(t.Context(), drafts[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		shared := func() (are []bool) {
			write(func(tx *sqldb.Tx) (err error) {
				are, err = s.SharedTx(t.Context(), tx, []subject.Identifier{account, device, device})
				return err
			})
			return are
		}
		if are := shared(); are[0] || are[1] || are[2] {
			t.Errorf("before: %v", are)
		}
		for range 2 { // seen again
			write(func(tx *sqldb.Tx) error { return s.Share(t.Context(), tx, device) })
		}
		if are := shared(); are[0] || !are[1] || !are[2] {
			t.Errorf("after: %v, want the device, wherever it is named", are)
		}
		if who, err := s.Find(t.Context(), device); err == nil {
			t.Errorf("the device leads to %s", who)
		}
		if now, err := s.Epoch(t.Context(), drafts[0].ID); err != nil || now <= epoch {
			t.Errorf("the epoch is %d after %d, %v: what was known of whose it is must die", now, epoch, err)
		}
		*at = at.Add(subjectdb.SharedFor + time.Hour)
		if are := shared(); are[1] {
			t.Error("the device is shared for ever")
		}
		marks := func() (n int) {
			if err := core.Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*) from subject_shared`).Scan(&n)
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n, err := s.Unshare(t.Context()); n != 1 || err != nil || marks() != 0 {
			t.Errorf("let go of %d, %v, and %d are left: want the one whose time is over", n, err, marks())
		}
	})
}

func TestThatADeviceIsSharedExpiresWithItsCategory(t *testing.T) {
	sharedEach(t, func(t *testing.T, core *sqldb.DB, s *subjectdb.Store, at *time.Time) {
		share := func(value string) {
			device, err := subject.NewIdentifier(subject.Device, value)
			if err == nil {
				err = core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Share(t.Context(), tx, device) })
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		share("tablet")
		*at = at.Add(time.Hour)
		between := *at
		*at = at.Add(time.Hour)
		share("till")
		for _, one := range []struct {
			of   thimble.Category
			want int
		}{{thimble.PurchaseHistory, 0}, {"user.device", 1}, {subject.Device.Category(), 0}} {
			if e, err := s.Expire(t.Context(), one.of, between); err != nil || e.Erased != one.want {
				t.Errorf("the expiry of %s erased %d, %v, want %d", one.of, e.Erased, err, one.want)
			}
		}
		if e, err := s.Expire(t.Context(), subject.Device.Category(), *at); err != nil || e.Erased != 0 {
			t.Errorf("what is younger expired: %+v, %v", e, err)
		}
	})
}

func sharedEach(t *testing.T, f func(*testing.T, *sqldb.DB, *subjectdb.Store, *time.Time)) {
	t.Helper()
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) {
		at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		v := vaulttest.New(t, keys)
		f(t, core, subjectdb.New(core, v, subjectdb.Config{Opener: v, Now: func() time.Time { return at }}), &at)
	})
}
