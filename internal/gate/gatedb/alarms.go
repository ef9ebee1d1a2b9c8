package gatedb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Raised is an alarm as it is kept.
type Raised struct {
	ID       thimble.ID
	Alarm    gate.Alarm
	At       time.Time
	Open     bool
	ClosedBy string
	ClosedAt time.Time
	Note     string
}

// AlarmPrefix is the prefix of an alarm's id in text.
const AlarmPrefix = "alarm"

// alarmed is the record of an alarm: what its leaf commits to.
type alarmed struct {
	Alarm gate.AlarmKind `json:"alarm"`
	Kind  gate.Kind      `json:"actor_kind"`
	Actor string         `json:"actor"`
	Hour  time.Time      `json:"hour"`
	Why   string         `json:"why"` // when it was raised
}

// looked is the record of an alarm's closing.
type looked struct {
	Alarm string `json:"alarm"`
	By    string `json:"closed_by"`
}

// learned is how far back an actor's own pattern reaches.
const learned = 28 * 24 * time.Hour

// Watch judges the reading of the current hour and the one before it, and raises
// alarms. Each is a leaf of the ledger, and is raised once.
func (l *Log) Watch(ctx context.Context, limits gate.Limits) (raised int, err error) {
	now := l.cfg.Now().UTC()
	from := now.Truncate(time.Hour).Add(-time.Hour)
	err = l.db.Write(ctx, func(tx *sqldb.Tx) error {
		raised = 0
		hours, err := hoursOf(ctx, tx, from, now.Add(time.Hour), "")
		if err != nil {
			return err
		}
		for _, h := range hours {
			past, err := hoursOf(ctx, tx, h.At.Add(-learned), h.At, "and actor_kind = $3 and actor = $4", string(h.Kind), h.Actor)
			if err != nil {
				return err
			}
			for _, a := range limits.Watch(h, past) {
				n, err := l.raise(ctx, tx, now, a)
				if err != nil {
					return err
				}
				raised += n
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("gate: watching the use log: %w", err)
	}
	return raised, nil
}

// raise keeps an alarm and its leaf, unless it was raised already; the counts of an
// open one grow.
func (l *Log) raise(ctx context.Context, tx *sqldb.Tx, now time.Time, a gate.Alarm) (int, error) {
	hour := a.Hour.At.UnixMicro()
	n, err := tx.Exec(ctx, `update gate_alarms set people = $1, reads = $2, why = $3
		where kind = $4 and actor_kind = $5 and actor = $6 and hour = $7`,
		a.Hour.People, a.Hour.Reads, a.Why, string(a.Kind), string(a.Hour.Kind), a.Hour.Actor, hour)
	if err != nil || n > 0 {
		return 0, err
	}
	record, err := json.Marshal(alarmed{Alarm: a.Kind, Kind: a.Hour.Kind, Actor: a.Hour.Actor, Hour: a.Hour.At, Why: a.Why})
	if err != nil {
		return 0, err
	}
	opening, err := l.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: now, Record: record})
	if err != nil {
		return 0, err
	}
	kept, err := opening.MarshalBinary() // it names no customer: nothing to seal
	if err != nil {
		return 0, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `insert into gate_alarms (id, kind, actor_kind, actor, hour, people, reads, why, raised_at, state, closed_by, note, opening)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', '', '', $10)`,
		id, string(a.Kind), string(a.Hour.Kind), a.Hour.Actor, hour, a.Hour.People, a.Hour.Reads, a.Why, now.UnixMicro(), kept)
	tx.OnCommit(func() {
		l.cfg.Log.WarnContext(ctx, "reading out of pattern", slog.String("alarm", string(a.Kind)), slog.String("actor", a.Hour.Actor))
	})
	return 1, err
}

// Plant makes a person a canary, in the transaction that makes the person: somebody
// made up, whom nobody has a reason to open.
func (l *Log) Plant(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) error {
	_, err := tx.Exec(ctx, `insert into gate_canaries (subject_id, planted_at) values ($1, $2) on conflict do nothing`, s, l.cfg.Now().UnixMicro())
	if err != nil {
		return fmt.Errorf("gate: planting a canary: %w", err)
	}
	return nil
}

// Canaries returns how many there are.
func (l *Log) Canaries(ctx context.Context) (n int, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from gate_canaries`).Scan(&n)
	})
	return n, err
}

// canary raises an alarm when staff or a system of the shop opened a canary. It runs
// in the transaction that records the use: the alarm is as sure as the use.
func (l *Log) canary(ctx context.Context, tx *sqldb.Tx, at time.Time, k key, uses int64) error {
	if k.kind != gate.Staff && k.kind != gate.Client {
		return nil
	}
	var one int
	err := tx.QueryRow(ctx, `select 1 from gate_canaries where subject_id = $1`, k.subject).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = l.raise(ctx, tx, at, gate.Alarm{Kind: gate.CanaryRead, Why: "a made-up person was opened, whom nobody has a reason to open",
		Hour: gate.Hour{Kind: k.kind, Actor: k.actor, At: at.Truncate(time.Hour), People: 1, Reads: uses}})
	return err
}

// Alarms returns alarms, the open ones first and then the newest.
func (l *Log) Alarms(ctx context.Context, limit int) (all []Raised, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, kind, actor_kind, actor, hour, people, reads, why, raised_at, state, closed_by, coalesce(closed_at, 0), note
			from gate_alarms order by case state when 'open' then 0 else 1 end, raised_at desc, id limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Raised
			var hour, at, closed int64
			var state string
			h := &r.Alarm.Hour
			if err := rows.Scan(&r.ID, &r.Alarm.Kind, &h.Kind, &h.Actor, &hour, &h.People, &h.Reads, &r.Alarm.Why, &at, &state, &r.ClosedBy, &closed, &r.Note); err != nil {
				return err
			}
			h.At, r.At, r.Open = time.UnixMicro(hour).UTC(), time.UnixMicro(at).UTC(), state == "open"
			if !r.Open {
				r.ClosedAt = time.UnixMicro(closed).UTC()
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("gate: reading alarms: %w", err)
	}
	return all, nil
}

// minNote is how long what was found must be, in bytes: an alarm is not waved away.
const minNote, maxNote = 10, 500

// CloseAlarm records who looked into an alarm and what they found. Nobody closes an
// alarm about themselves.
func (l *Log) CloseAlarm(ctx context.Context, id thimble.ID, staff, note string) error {
	if len(note) < minNote || len(note) > maxNote {
		return fmt.Errorf("gate: closing an alarm: note: %d to %d bytes about what was found were expected: %w", minNote, maxNote, thimble.ErrInvalid)
	}
	err := l.db.Write(ctx, func(tx *sqldb.Tx) error {
		var state, actor string
		var kind gate.Kind
		if err := tx.QueryRow(ctx, `select state, actor_kind, actor from gate_alarms where id = $1`, id).Scan(&state, &kind, &actor); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return thimble.ErrNotFound
			}
			return err
		}
		switch {
		case state != "open":
			return fmt.Errorf("it is closed already: %w", thimble.ErrConflict)
		case kind == gate.Staff && actor == staff:
			return fmt.Errorf("it is about the one who closes it: %w", thimble.ErrDenied)
		}
		now := l.cfg.Now().UTC()
		record, err := json.Marshal(looked{Alarm: id.Token(AlarmPrefix), By: staff})
		if err != nil {
			return err
		}
		opening, err := l.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: now, Record: record})
		if err != nil {
			return err
		}
		kept, err := opening.MarshalBinary()
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update gate_alarms set state = 'closed', closed_by = $1, closed_at = $2, note = $3, closing = $4 where id = $5`, staff, now.UnixMicro(), note, kept, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("gate: closing alarm %s: %w", id.Token(AlarmPrefix), err)
	}
	return nil
}
