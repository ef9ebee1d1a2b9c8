package disclosedb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// MaxPeople bounds how many people are in a message.
const MaxPeople = 500

// A Disclosure is what is to go to a recipient.
type Disclosure struct {
	Recipient thimble.ID
	Purpose   thimble.Purpose
	Brand     string
	Fields    []string // nil: all of the agreement
	// Subjects are whom it is about. Without any, Rows go, and no field of them may have
	// a category: they are about nobody.
	Subjects []thimble.SubjectID
	Rows     []disclose.Row
	// Build makes the rows about one of the subjects, from that subject's own data and
	// not from that of others who are one person with them. A person without rows is
	// left out.
	Build func(ctx context.Context, g thimble.Grant, who thimble.SubjectID) ([]disclose.Row, error)
	// Also runs in the transaction that queues the message.
	Also func(ctx context.Context, tx *sqldb.Tx) error
}

// A Receipt says what became of a disclosure.
type Receipt struct {
	Message thimble.ID // zero when nobody was left
	People  int        // how many are in it
	Refused int        // how many the gate refused
}

// person is one person on the way into a message.
type person struct {
	who     thimble.SubjectID
	grant   *gate.Grant
	part    disclose.Part
	lookup  []byte
	opening ledger.Opening
	sealed  [2][]byte // opening, part
}

// Send queues a disclosure with its leaves. When it returns, the message is durable and
// will be tried; [Store.Run] does. The error is a *disclose.Refused when the agreement
// does not permit it. People whom the gate refuses are left out.
func (s *Store) Send(ctx context.Context, d Disclosure) (Receipt, error) {
	m, r, a, err := s.begin(ctx, d)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{}
	if len(d.Subjects) == 0 {
		err = s.sendBare(ctx, m, r, a, d)
		receipt.Message = m.ID
	} else {
		receipt, err = s.sendPeople(ctx, m, r, a, d)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("disclose: sending to %s: %w", r.ID.Token(disclose.RecipientPrefix), err)
	}
	s.hurry()
	return receipt, nil
}

// begin asks the agreement, and drafts the message.
func (s *Store) begin(ctx context.Context, d Disclosure) (m Message, r disclose.Recipient, signed *disclose.Signed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if r, err = s.recipient(ctx, tx, d.Recipient); err != nil {
			return err
		}
		signed, err = inForce(ctx, tx, d.Recipient)
		return err
	})
	if err != nil {
		return m, r, nil, err
	}
	var a *disclose.Agreement
	fields := d.Fields
	if signed != nil {
		a = &signed.Agreement
		if fields == nil {
			fields = a.Names()
		}
	}
	q := disclose.Request{Purpose: d.Purpose, Fields: fields, Brand: d.Brand}
	if no := a.Permits(r, q, s.now()); no != "" {
		return m, r, nil, &disclose.Refused{Why: no}
	}
	m = Message{Recipient: r.ID, Agreement: signed.ID, Kind: disclose.DataMessage, Purpose: d.Purpose, Brand: d.Brand, Fields: fields,
		Categories: a.Categories(fields), MediaType: "application/x-ndjson", AckWithin: a.Acknowledge, CreatedAt: s.now()}
	if m.ID, err = thimble.NewID(nil); err == nil {
		m.Disclosure, err = thimble.NewID(nil)
	}
	return m, r, signed, err
}

func (s *Store) record(m Message, r disclose.Recipient, a *disclose.Signed) disclose.Record {
	rec := disclose.Record{
		V: 1, Message: m.ID.Token(disclose.MessagePrefix), Disclosure: m.Disclosure.Token(disclose.DisclosurePrefix), Kind: m.Kind, Act: disclose.Process,
		Recipient: disclose.RecordRecipient{ID: r.ID.Token(disclose.RecipientPrefix), Name: r.Name, Kind: r.Kind, Countries: r.Countries},
		Purpose:   m.Purpose, Fields: m.Fields, Categories: m.Categories, At: m.CreatedAt,
	}
	if a != nil {
		rec.Agreement, rec.Act = a.ID.Token(disclose.AgreementPrefix), a.Agreement.Act
		rec.Retention = int(a.Agreement.Retention / (24 * time.Hour))
	}
	return rec
}

// sendBare queues a message about nobody.
func (s *Store) sendBare(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed, d Disclosure) error {
	if len(m.Categories) > 0 {
		return fmt.Errorf("a field with a category of data about people needs to be told whose it is: %w", thimble.ErrInvalid)
	}
	var lines bytes.Buffer
	for _, row := range d.Rows {
		line, err := a.Agreement.Shape(m.Fields, "", row, s.alias(ctx, r))
		if err != nil {
			return err
		}
		lines.Write(line)
		lines.WriteByte('\n')
	}
	return s.queueBare(ctx, m, r, a, lines.Bytes(), d.Also)
}

func bodyCell(id thimble.ID) thimble.Cell {
	return thimble.Cell{Table: "disclose_messages", Column: "body", Row: id[:], Category: thimble.Pseudonym}
}

// queueBare queues a message whose body is sealed by the installation.
func (s *Store) queueBare(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed, body []byte, also func(context.Context, *sqldb.Tx) error) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.queueBareTx(ctx, tx, m, r, a, body); err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
}

func (s *Store) queueBareTx(ctx context.Context, tx *sqldb.Tx, m Message, r disclose.Recipient, a *disclose.Signed, body []byte) error {
	sealed, err := s.vault.Seal(ctx, bodyCell(m.ID), body)
	if err != nil {
		return err
	}
	text, err := s.record(m, r, a).Marshal()
	if err != nil {
		return err
	}
	openings, err := s.ledger.Commit(ledger.Entry{Class: ledger.Disclosure, At: m.CreatedAt, Record: text})
	if err != nil {
		return err
	}
	opening, err := openings[0].MarshalBinary()
	if err != nil {
		return err
	}
	if err := s.ledger.Enqueue(ctx, tx, openings...); err != nil {
		return err
	}
	return insertMessage(ctx, tx, m, sealed, opening)
}

func insertMessage(ctx context.Context, tx *sqldb.Tx, m Message, body, opening []byte) error {
	categories := make([]string, len(m.Categories))
	for i, c := range m.Categories {
		categories[i] = string(c)
	}
	at := m.CreatedAt.UnixMicro()
	_, err := tx.Exec(ctx, `insert into disclose_messages (id, disclosure_id, recipient_id, agreement_id, kind, purpose, brand, fields, categories, media_type, people, state, why, status,
		tries, bytes, created_at, first_at, next_at, lease_until, fence, sent_at, ack_within, ack_due, acked_at, body, opening, cause)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', '', 0, 0, 0, $12, 0, $12, 0, 0, 0, $13, 0, 0, $14, $15, $16)`,
		m.ID, m.Disclosure, m.Recipient, m.Agreement, m.Kind, string(m.Purpose), m.Brand, strings.Join(m.Fields, " "), strings.Join(categories, " "), m.MediaType, m.People,
		at, m.AckWithin.Microseconds(), body, opening, m.Cause)
	return err
}

// sendPeople queues a message about people.
func (s *Store) sendPeople(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed, d Disclosure) (Receipt, error) {
	if len(d.Subjects) > MaxPeople || len(m.Categories) == 0 {
		return Receipt{}, fmt.Errorf("at most %d people, and a field with a category, were expected: %w", MaxPeople, thimble.ErrInvalid)
	}
	receipt := Receipt{}
	var people []*person
	for _, who := range d.Subjects {
		p, err := s.person(ctx, m, r, a, who, d.Build)
		if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) || errors.Is(err, thimble.ErrNotFound) {
			receipt.Refused++
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		if p != nil {
			people = append(people, p)
		}
	}
	// The order of people is nothing that two recipients could compare.
	s.shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	n, err := s.queuePeople(ctx, m, r, people, d.Also)
	receipt.People, receipt.Refused = n, receipt.Refused+len(people)-n
	if n > 0 {
		receipt.Message = m.ID
	}
	return receipt, err
}

// person asks the gate about somebody, and seals what the message holds about them.
func (s *Store) person(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed, who thimble.SubjectID, build func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error)) (*person, error) {
	grants, err := s.ask(ctx, m, r, &a.Agreement, who)
	if err != nil {
		return nil, err
	}
	p := &person{who: who, grant: grants[0]}
	rows, err := build(ctx, grants[0], who)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	pseudonym, err := s.pseudonym(ctx, r, r.Generation, who)
	if err != nil {
		return nil, err
	}
	if p.lookup, err = s.lookup(ctx, r.ID, pseudonym); err != nil {
		return nil, err
	}
	for _, row := range rows {
		line, err := a.Agreement.Shape(m.Fields, pseudonym, row, s.alias(ctx, r))
		if err != nil {
			return nil, err
		}
		p.part.Lines = append(p.part.Lines, line)
	}
	return p, s.commit(m, r, a, p)
}

// commit makes the leaf of one person.
func (s *Store) commit(m Message, r disclose.Recipient, a *disclose.Signed, p *person) error {
	v := p.grant.Verdict()
	rec := s.record(m, r, a)
	rec.Subject, rec.Basis, rec.Pack, rec.Cite = p.who.String(), v.Basis, v.Pack, v.Cite
	text, err := rec.Marshal()
	if err != nil {
		return err
	}
	openings, err := s.ledger.Commit(ledger.Entry{Class: ledger.Disclosure, At: m.CreatedAt, Policy: v.Policy, Record: text})
	if err == nil {
		p.opening = openings[0]
	}
	return err
}

// Actor is who asks the gate.
const Actor = "disclose"

// ask asks the gate for all that handing over needs: the purpose, and beside it, for a
// sale or a share, the person's answer to that. The first grant opens.
func (s *Store) ask(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Agreement, who thimble.SubjectID) (grants []*gate.Grant, err error) {
	for _, purpose := range a.Asks(m.Purpose) {
		g, err := s.gate.Open(ctx, gate.Request{
			Actor: gate.Actor{Kind: gate.Machine, Name: Actor}, Subject: who, Purpose: purpose, Categories: m.Categories,
			Scope: gate.Scope{Recipient: r.ID.Token(disclose.RecipientPrefix), Brand: m.Brand},
		})
		if err != nil {
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// Sealed cells of one person in a message. The part is of the first category that the
// message asks the gate for: who may open one may open all of them.
func partCell(m Message, place int64, who thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "disclose_people", Column: "part", Row: row(m.ID, place), Category: m.Categories[0]}
}

func openingCell(m thimble.ID, place int64, who thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "disclose_people", Column: "opening", Row: row(m, place), Category: thimble.AccessRecord}
}

func row(m thimble.ID, place int64) []byte {
	return slices.Concat(m[:], []byte{byte(place >> 8), byte(place)})
}

func (s *Store) seal(ctx context.Context, m Message, place int64, p *person) (err error) {
	if p.sealed[0], err = p.opening.Seal(ctx, s.vault, openingCell(m.ID, place, p.who)); err != nil {
		return err
	}
	text, err := json.Marshal(p.part)
	if err != nil {
		return err
	}
	p.sealed[1], err = s.vault.Seal(ctx, partCell(m, place, p.who), text)
	return err
}

// queuePeople keeps a message with its people and leaves in one transaction, without
// those who have changed their mind since they were asked.
func (s *Store) queuePeople(ctx context.Context, m Message, r disclose.Recipient, people []*person, also func(context.Context, *sqldb.Tx) error) (n int, err error) {
	for i, p := range people {
		if err := s.seal(ctx, m, int64(i), p); err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return 0, err
		}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n = 0
		var openings []ledger.Opening
		for i, p := range people {
			epoch, err := s.people.Alive(ctx, tx, p.grant.Subject())
			if errors.Is(err, thimble.ErrNotFound) || err == nil && (epoch != p.grant.Verdict().Epoch || p.sealed[1] == nil) {
				continue
			}
			if err != nil {
				return err
			}
			if err := insertPerson(ctx, tx, m, r, int64(i), p); err != nil {
				return err
			}
			n++
			openings = append(openings, p.opening)
		}
		if n > 0 {
			m.People = int64(n)
			if err := s.ledger.Enqueue(ctx, tx, openings...); err != nil {
				return err
			}
			if err := insertMessage(ctx, tx, m, nil, nil); err != nil {
				return err
			}
		}
		if also == nil {
			return nil
		}
		return also(ctx, tx)
	})
	return n, err
}

func insertPerson(ctx context.Context, tx *sqldb.Tx, m Message, r disclose.Recipient, place int64, p *person) error {
	generation := r.Generation
	if p.lookup == nil {
		generation = 0
	}
	_, err := tx.Exec(ctx, `insert into disclose_people (message_id, place, subject_id, at, generation, lookup, state, opening, part) values ($1, $2, $3, $4, $5, $6, 'going', $7, $8)`,
		m.ID, place, p.who, m.CreatedAt.UnixMicro(), generation, p.lookup, p.sealed[0], p.sealed[1])
	return err
}

// hurry has the outbox look at once.
func (s *Store) hurry() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
