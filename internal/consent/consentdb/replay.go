package consentdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// replays is for how long a choice that is sent again is the same one.
const replays = 24 * time.Hour

// RecordOnce is Record for what may be sent twice: a button pressed twice, a request
// repeated after a broken line. Within 24 hours the same choices, made in the same
// way, give the same answer and no second event. With a key, which the sender made up
// for one request, that holds whatever was said meanwhile, and other choices under the
// same key are refused with an error of kind ErrConflict. Without one it holds as long
// as the person has said nothing else since: a yes after a no is a new one.
func (s *Store) RecordOnce(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How, key string) ([]Recorded, error) {
	return s.recordOnce(ctx, who, choices, how, key, func(tx *sqldb.Tx) ([]Recorded, error) {
		return s.RecordTx(ctx, tx, who, choices, how)
	})
}

// RecordOnce is [Store.RecordOnce] for a person, by the rules of Record.
func (w Whole) RecordOnce(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How, key string) ([]Recorded, error) {
	person, err := w.Persons.Person(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		return w.Store.RecordOnce(ctx, who, choices, how, key) // which answers for whoever is not there
	}
	if err != nil {
		return nil, fmt.Errorf("consent: recording a choice: %w", err)
	}
	return w.recordOnce(ctx, person.ID(), choices, how, key, func(tx *sqldb.Tx) ([]Recorded, error) {
		return w.recordTx(ctx, tx, person, choices, how)
	})
}

func (s *Store) recordOnce(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how How, key string, record func(*sqldb.Tx) ([]Recorded, error)) ([]Recorded, error) {
	if err := check(choices, how); err != nil {
		return nil, err
	}
	sent, err := sentOf(who, choices, how, key)
	if err != nil {
		return nil, err
	}
	var all []Recorded
	err = s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		first, n, again, err := s.sentBefore(ctx, tx, sent)
		if err != nil {
			return err
		}
		if again {
			all, err = s.events(ctx, tx, who, first, n)
			return err
		}
		if all, err = record(tx); err != nil || len(all) == 0 {
			return err
		}
		return s.remember(ctx, tx, sent, all)
	})
	if err != nil {
		return nil, fmt.Errorf("consent: recording a choice: %w", err)
	}
	return all, nil
}

// sent is what somebody sent, as it is recognised when it comes again.
type sent struct {
	who        thimble.SubjectID
	id, digest [sha256.Size]byte
	keyed      bool
}

func sentOf(who thimble.SubjectID, choices []consent.Choice, how How, key string) (x sent, err error) {
	said := struct {
		Choices   []consent.Choice
		Notice    consent.NoticeRef
		UI        consent.UI
		By        consent.By
		Incentive *consent.Incentive
		Until     time.Time
	}{choices, how.Notice.Ref(), how.UI, how.By, how.Incentive, how.Until.UTC()}
	text, err := json.Marshal(said)
	if err != nil {
		return x, fmt.Errorf("consent: writing what was sent: %w", err)
	}
	x = sent{who: who, digest: sha256.Sum256(append(who[:], text...)), keyed: key != ""}
	x.id = x.digest
	if x.keyed {
		x.id = sha256.Sum256(append(append([]byte("key\x00"), who[:]...), key...))
	}
	return x, nil
}

// sentBefore returns which events were recorded when it was sent the first time.
func (s *Store) sentBefore(ctx context.Context, tx *sqldb.Tx, x sent) (first, n int64, again bool, _ error) {
	var digest []byte
	err := tx.QueryRow(ctx, `select digest, first_seq, events from consent_replays where id = $1 and at > $2`,
		x.id[:], s.now().Add(-replays).UnixMicro()).Scan(&digest, &first, &n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, 0, false, nil
	case err != nil:
		return 0, 0, false, err
	case string(digest) != string(x.digest[:]):
		return 0, 0, false, fmt.Errorf("consent: the key of the request was used for other choices: %w", thimble.ErrConflict)
	case x.keyed:
		return first, n, true, nil
	}
	var last int64
	err = tx.QueryRow(ctx, `select coalesce(max(seq), 0) from consent_events where subject_id = $1`, x.who).Scan(&last)
	return first, n, last == first+n-1, err
}

func (s *Store) remember(ctx context.Context, tx *sqldb.Tx, x sent, all []Recorded) error {
	now := s.now()
	if _, err := tx.Exec(ctx, `delete from consent_replays where at <= $1`, now.Add(-replays).UnixMicro()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `insert into consent_replays (id, subject_id, digest, first_seq, events, at) values ($1, $2, $3, $4, $5, $6)
		on conflict (id) do update set first_seq = excluded.first_seq, events = excluded.events, at = excluded.at`,
		x.id[:], x.who, x.digest[:], all[0].Event.Seq, len(all), now.UnixMicro())
	return err
}

// events opens a run of a person's events, to answer whoever has just sent them.
func (s *Store) events(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, first, n int64) ([]Recorded, error) {
	rows, err := tx.Query(ctx, `select seq, body from consent_events where subject_id = $1 and seq >= $2 and seq < $3 order by seq`, who, first, first+n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Recorded
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return nil, err
		}
		r, err := unseal(ctx, s.vault, who, seq, body)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func unseal(ctx context.Context, by ledger.Opener, who thimble.SubjectID, seq int64, body []byte) (Recorded, error) {
	opening, err := ledger.Unseal(ctx, by, cell(who, seq), body)
	if err != nil {
		return Recorded{}, fmt.Errorf("consent: opening choice %d of a person: %w", seq, err)
	}
	e, err := consent.Unmarshal(opening.Record)
	return Recorded{Event: e, Opening: opening}, err
}
