package disclosedb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// keptHere is why a letter is delivered without a mail server: it waits for somebody to
// read it in the console.
const keptHere = "kept-here"

// going is a person of a message who may be sent, with the grants that say so.
type going struct {
	place  int64
	who    thimble.SubjectID
	grants []*gate.Grant
	part   disclose.Part
}

// attempt asks everything again, and sends what may be sent.
func (s *Store) attempt(ctx context.Context, m Message) (result, error) {
	r, a, err := s.terms(ctx, m)
	if err != nil {
		return result{}, err
	}
	if no := refused(m, r, a, s); no != "" {
		state := disclose.Cancelled
		if m.Kind != disclose.LastLetter && (no == disclose.RecipientSuspended || no == disclose.RecipientWithdrew) {
			state = disclose.Blocked
		}
		return result{state: state, why: string(no)}, nil
	}
	if m.People == 0 {
		return s.bare(ctx, m, r)
	}
	if m.Kind == disclose.CorrectMessage {
		return s.amended(ctx, m, r, a)
	}
	people, err := s.permitted(ctx, m, r, a)
	if errors.Is(err, thimble.ErrUnavailable) {
		return result{state: disclose.Retrying, why: "gate-unavailable"}, nil
	}
	if err != nil {
		return result{}, err
	}
	if len(people) == 0 {
		return result{state: disclose.Cancelled, why: "nobody-permits"}, nil
	}
	return s.output(ctx, m, r, people)
}

// bare sends what is sealed by the installation.
func (s *Store) bare(ctx context.Context, m Message, r disclose.Recipient) (result, error) {
	if m.body == nil {
		return result{state: disclose.Cancelled, why: "nothing-left"}, nil
	}
	body, err := s.vault.Open(ctx, bodyCell(m.ID), m.body)
	if err != nil {
		return result{}, err
	}
	if m.Kind == disclose.LastLetter {
		return s.lastLetter(ctx, m, body)
	}
	return s.carry(ctx, m, r, head(m, 0, body))
}

// terms are the recipient and the agreement as they are now.
func (s *Store) terms(ctx context.Context, m Message) (r disclose.Recipient, a *disclose.Signed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if r, err = s.recipient(ctx, tx, m.Recipient); err != nil {
			return err
		}
		a, err = inForce(ctx, tx, m.Recipient)
		return err
	})
	return r, a, err
}

// refused asks the agreement that is in force now. A notice of erasure or correction needs none: the
// duty to tell outlives the agreement (GDPR Art. 19).
func refused(m Message, r disclose.Recipient, a *disclose.Signed, s *Store) disclose.Refusal {
	no := agreedNow(m, r, a, s)
	if disclose.Owed(m.Kind) && no != disclose.RecipientSuspended && no != disclose.RecipientWithdrew {
		return ""
	}
	return no
}

// agreedNow asks the agreement whether a message may go as it is.
func agreedNow(m Message, r disclose.Recipient, a *disclose.Signed, s *Store) disclose.Refusal {
	var agreed *disclose.Agreement
	if a != nil {
		agreed = &a.Agreement
	}
	return agreed.Permits(r, disclose.Request{Purpose: m.Purpose, Fields: m.Fields, Categories: m.Categories, Brand: m.Brand}, s.now())
}

// permitted are the people of a message who may be sent now. The others are taken out.
func (s *Store) permitted(ctx context.Context, m Message, r disclose.Recipient, a *disclose.Signed) (people []going, err error) {
	held, err := s.held(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		grants, err := s.ask(ctx, m, r, &a.Agreement, h.who)
		var text []byte
		if err == nil {
			text, err = grants[0].Open(ctx, partCell(m, h.place, h.who), h.part)
		}
		if errors.Is(err, thimble.ErrUnavailable) {
			return nil, err
		}
		if errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound) {
			if err := s.takeOut(ctx, m.ID, h.place); err != nil {
				return nil, err
			}
			continue
		}
		g := going{place: h.place, who: h.who, grants: grants}
		if err == nil {
			err = json.Unmarshal(text, &g.part)
		}
		if err != nil {
			return nil, err
		}
		people = append(people, g)
	}
	return people, nil
}

type heldPart struct {
	place int64
	who   thimble.SubjectID
	part  []byte
}

func (s *Store) held(ctx context.Context, id thimble.ID) (all []heldPart, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select place, subject_id, part from disclose_people where message_id = $1 and part is not null order by place`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var h heldPart
			if err := rows.Scan(&h.place, &h.who, &h.part); err != nil {
				return err
			}
			all = append(all, h)
		}
		return rows.Err()
	})
	return all, err
}

// takeOut destroys what a message holds about one person who may not be sent any more.
// The try that is under way has sent nothing yet, and does not count as one that may have.
func (s *Store) takeOut(ctx context.Context, id thimble.ID, place int64) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update disclose_people set part = null, state = case when state <> 'going' then state
			when exists (select 1 from disclose_tries t, disclose_messages m where t.message_id = $1 and m.id = $1 and t.n < m.tries and (t.bytes > 0 or t.ended_at = 0)) then 'maybe-sent'
			else 'not-sent' end where message_id = $1 and place = $2`, id, place)
		return err
	})
}

// output sends while all the grants hold: whoever changes their mind meanwhile is
// answered when the bytes have left, or were stopped.
func (s *Store) output(ctx context.Context, m Message, r disclose.Recipient, people []going) (out result, err error) {
	var grants []*gate.Grant
	for _, g := range people {
		grants = append(grants, g.grants...)
	}
	send := func(ctx context.Context) error {
		var err error
		if m.Kind == disclose.LetterMessage {
			out, err = s.letter(ctx, m, people[0])
			return err
		}
		var lines bytes.Buffer
		for _, g := range people {
			for _, line := range g.part.Lines {
				lines.Write(line)
				lines.WriteByte('\n')
			}
		}
		out, err = s.carry(ctx, m, r, head(m, len(people), lines.Bytes()))
		if err == nil && out.why == string(wire.Stopped) {
			err = ctx.Err()
		}
		return err
	}
	for _, g := range grants {
		inner := send
		send = func(ctx context.Context) error { return g.Output(ctx, inner) }
	}
	err = send(ctx)
	if errors.Is(err, thimble.ErrDenied) || errors.Is(err, context.Canceled) && ctx.Err() == nil {
		// Somebody moved between the verdict and the sending: all are asked again at once.
		return result{state: disclose.Queued, why: "asked-again"}, nil
	}
	if err != nil && ctx.Err() != nil {
		return result{state: disclose.Queued, why: string(wire.Stopped)}, nil
	}
	return out, err
}

// A head is the first line of a message of data.
type messageHead struct {
	V          int             `json:"v"`
	Kind       string          `json:"kind"`
	Message    string          `json:"message"`
	Disclosure string          `json:"disclosure"`
	Agreement  string          `json:"agreement,omitempty"`
	Purpose    thimble.Purpose `json:"purpose"`
	People     int             `json:"people"`
}

func head(m Message, people int, lines []byte) []byte {
	h := messageHead{V: 1, Kind: m.Kind, Message: m.ID.Token(disclose.MessagePrefix), Disclosure: m.Disclosure.Token(disclose.DisclosurePrefix), Purpose: m.Purpose, People: people}
	if !m.Agreement.IsZero() {
		h.Agreement = m.Agreement.Token(disclose.AgreementPrefix)
	}
	text, _ := json.Marshal(h) // strings and numbers
	return append(append(text, '\n'), lines...)
}

// carry hands a message to the recipient's transport.
func (s *Store) carry(ctx context.Context, m Message, r disclose.Recipient, body []byte) (result, error) {
	w := wire.Message{ID: m.ID, Disclosure: m.Disclosure, Type: m.MediaType, Body: thimble.Hide(body)}
	if r.SealTo != "" {
		key, err := wire.ParseSealingKey(r.SealTo)
		if err != nil {
			return result{}, err
		}
		binding := m.Agreement
		if binding.IsZero() {
			binding = m.ID // a notice of erasure stands under no agreement
		}
		if w, err = wire.Seal(key, wire.Binding{Recipient: r.ID, Agreement: binding}, w); err != nil {
			return result{}, err
		}
	}
	s.pause("sending")
	var out wire.Outcome
	switch r.Transport {
	case disclose.Webhook:
		key, err := s.signingKey(ctx, r.ID)
		if err != nil {
			return result{}, err
		}
		out = s.ways.Post(ctx, wire.Hook{URL: r.Endpoint, Hosts: hosts(r), Keys: []wire.SigningKey{key}}, w)
	case disclose.Folder:
		if s.cfg.Folder == nil {
			return result{state: disclose.Retrying, why: "no-drop-folder"}, nil
		}
		out = s.ways.Drop(ctx, s.cfg.Folder, r.ID, w)
	default:
		return result{}, fmt.Errorf("the transport %s carries no data: %w", r.Transport, thimble.ErrInvalid)
	}
	return judged(m, out), nil
}

// judged turns the outcome of a try into a result.
func judged(m Message, out wire.Outcome) result {
	res := result{why: string(out.Why), status: out.Status, after: out.After}
	switch out.State {
	case wire.Delivered:
		res.state = disclose.Delivered
		if m.AckWithin > 0 {
			res.state, res.why = confirmed(m, out, res.why)
		}
	case wire.Permanent:
		res.state, res.withdrew = disclose.Dead, out.Why == wire.Gone
	default:
		res.state = disclose.Retrying
	}
	return res
}

// confirmed looks for a confirmation in the answer. One that names another message
// confirms nothing.
func confirmed(m Message, out wire.Outcome, why string) (disclose.State, string) {
	var said disclose.Acknowledgement
	// The answer is the recipient's; one value of it is compared, and none is kept.
	if text := out.Ack.Reveal(); len(text) == 0 || json.Unmarshal(text, &said) != nil || said.Acknowledged == "" {
		return disclose.Delivered, why
	}
	if said.Acknowledged != m.ID.Token(disclose.MessagePrefix) {
		return disclose.Delivered, "confirms-another"
	}
	return disclose.Acknowledged, ""
}
