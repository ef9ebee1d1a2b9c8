package disclosedb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Disclosed is one entry of who got what about a person, sealed.
type Disclosed struct {
	Message Message
	Subject thimble.SubjectID
	At      time.Time
	State   disclose.Whereabouts

	place   int64
	opening []byte
}

func (d Disclosed) cell() thimble.Cell { return openingCell(d.Message.ID, d.place, d.Subject) }

// Key names the entry in addresses.
func (d Disclosed) Key() string {
	return fmt.Sprintf("%s-%d", d.Message.ID.Token(disclose.MessagePrefix), d.place)
}

// Of returns the newest entries about a subject, sealed.
func (s *Store) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]Disclosed, error) {
	return s.listed(ctx, `where p.subject_id = $1 order by p.at desc, p.message_id limit $2`, who, limit)
}

// Entry returns the entry about a subject that a key names. Another person's is not found.
func (s *Store) Entry(ctx context.Context, who thimble.SubjectID, key string) (Disclosed, error) {
	all, err := s.listed(ctx, `where p.subject_id = $1`, who)
	for _, d := range all {
		if d.Key() == key {
			return d, err
		}
	}
	if err == nil {
		err = fmt.Errorf("disclose: no such entry: %w", thimble.ErrNotFound)
	}
	return Disclosed{}, err
}

func (s *Store) listed(ctx context.Context, where string, args ...any) (all []Disclosed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+messageColumns+`, p.subject_id, p.at, p.state, p.place, p.opening
			from disclose_people p join disclose_messages m on m.id = p.message_id `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d Disclosed
			var at int64
			into, fill := d.Message.into(&d.Subject, &at, &d.State, &d.place, &d.opening)
			if err := rows.Scan(into...); err != nil {
				return err
			}
			fill()
			d.At = instant(at)
			all = append(all, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading: %w", err)
	}
	return all, nil
}

// Open opens an entry with what opens its leaf.
func Open(ctx context.Context, g thimble.Grant, d Disclosed) (disclose.Record, ledger.Opening, error) {
	return openEntry(ctx, g, d)
}

func openEntry(ctx context.Context, o ledger.Opener, d Disclosed) (disclose.Record, ledger.Opening, error) {
	opening, err := ledger.Unseal(ctx, o, d.cell(), d.opening)
	if err != nil {
		return disclose.Record{}, ledger.Opening{}, fmt.Errorf("disclose: opening an entry: %w", err)
	}
	r, err := disclose.ParseRecord(opening.Record)
	return r, opening, err
}

func openLetter(ctx context.Context, g thimble.Grant, m Message, h heldPart) (thimble.Personal[disclose.SealedLetter], error) {
	text, err := g.Open(ctx, partCell(m, h.place, h.who), h.part)
	var p disclose.Part
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && p.Letter == nil {
		err = thimble.ErrInvalid
	}
	if err != nil {
		return thimble.Personal[disclose.SealedLetter]{}, fmt.Errorf("disclose: opening a letter: %w", err)
	}
	return thimble.Hide(*p.Letter), nil
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "disclose" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "disclose_people"}, {Kind: thimble.TablePlace, Name: "disclose_messages"}}
}

// exported is what a person gets to read of an entry.
type exported struct {
	disclose.Record
	State disclose.Whereabouts `json:"state"`
}

// Export implements thimble.Holder: who got what about the person.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.listed(ctx, `where p.subject_id = $1 order by p.at, p.message_id, p.place`, who)
		for _, d := range all {
			r, _, openErr := openEntry(ctx, s.vault, d)
			if openErr != nil {
				err = errors.Join(err, openErr)
				break
			}
			datum := thimble.Datum{Holder: s.HolderName(), Category: thimble.AccessRecord, Name: d.Message.ID.Token(disclose.MessagePrefix), Value: exported{r, d.State}, At: d.At}
			if !yield(datum, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("disclose: exporting a person: %w", err))
		}
	}
}

// Erase implements thimble.Holder. Each recipient that may have something of the person
// is told in the same transaction, by the pseudonym that it has (GDPR Art. 19). The last
// letter to the person names nobody here, and lies sealed until it was sent.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		if err := s.tell(ctx, tx, who); err != nil {
			return err
		}
		n, err = tx.Exec(ctx, `delete from disclose_people where subject_id = $1`, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("disclose: erasing a person: %w", err)
	}
	s.hurry()
	return thimble.Erasure{Erased: int(n)}, nil
}

// eraseWithin is how long a recipient has to confirm a notice before somebody is to ask.
const eraseWithin = 7 * 24 * time.Hour

// told is a recipient, and the generation of the pseudonym that it has of somebody.
type told struct {
	recipient  thimble.ID
	generation int64
}

// reached are those who may have something about somebody.
func reached(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (all []told, err error) {
	rows, err := tx.Query(ctx, `select distinct m.recipient_id, p.generation from disclose_people p join disclose_messages m on m.id = p.message_id
		where p.subject_id = $1 and p.generation > 0 and (p.state in ('sent', 'maybe-sent') or p.state = 'going' and m.tries > 0) order by m.recipient_id, p.generation`, who)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t told
		if err := rows.Scan(&t.recipient, &t.generation); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// tell queues a notice of erasure for each pseudonym that may be with its recipient.
func (s *Store) tell(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	all, err := reached(ctx, tx, who)
	if err != nil {
		return err
	}
	for _, t := range all {
		r, err := s.recipient(ctx, tx, t.recipient)
		if err != nil {
			return err
		}
		pseudonym, err := s.pseudonym(ctx, r, t.generation, who)
		if err != nil {
			return err
		}
		line, err := json.Marshal(map[string]string{disclose.PersonField: pseudonym})
		if err != nil {
			return err
		}
		if err := s.notify(ctx, tx, r, disclose.EraseMessage, line); err != nil {
			return err
		}
	}
	return nil
}

// notify queues a notice of a kind, which is one line.
func (s *Store) notify(ctx context.Context, tx *sqldb.Tx, r disclose.Recipient, kind string, line []byte) (err error) {
	m := Message{Recipient: r.ID, Cause: thimble.CauseOf(ctx), Kind: kind, Purpose: thimble.LegalObligation, Fields: []string{disclose.PersonField},
		MediaType: "application/x-ndjson", AckWithin: eraseWithin, CreatedAt: s.now()}
	if m.ID, err = thimble.NewID(nil); err != nil {
		return err
	}
	if m.Disclosure, err = thimble.NewID(nil); err != nil {
		return err
	}
	return s.queueBareTx(ctx, tx, m, r, nil, append(line, '\n'))
}

// Expire implements thimble.Holder: it deletes the entries of before. What a message
// still held about the person goes with them. A recipient all of whose entries about
// somebody have expired is told of no later erasure: entries are to be kept for longer
// than any agreement lets a recipient keep data.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.AccessRecord.Within(c) {
		return thimble.Erasure{}, nil
	}
	all := 0
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			n, err = tx.Exec(ctx, `delete from disclose_people where (message_id, place) in (select message_id, place from disclose_people where at < $1 order by at, message_id, place limit 1000)`, before.UnixMicro())
			return err
		})
		if err != nil {
			return thimble.Erasure{Erased: all}, fmt.Errorf("disclose: expiring: %w", err)
		}
		if all += int(n); n == 0 {
			return thimble.Erasure{Erased: all}, nil
		}
	}
}
