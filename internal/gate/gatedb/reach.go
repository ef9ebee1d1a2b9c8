package gatedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// holdersOf names who keeps data of the categories, between blanks so that one can be
// searched for: " order subject ". It is what could be read, which is what the reach
// of a breach asks for.
func holdersOf(categories []thimble.Category) string {
	var names []string
	for _, t := range datamap.All() {
		for _, f := range t.Fields {
			if slices.ContainsFunc(categories, f.Category.Within) {
				names = append(names, t.Holder)
			}
		}
	}
	slices.Sort(names)
	return " " + strings.Join(slices.Compact(names), " ") + " "
}

// A Query chooses uses. Zero fields do not choose.
type Query struct {
	Kind     gate.Kind
	Actor    string
	Holder   string
	From, To time.Time // To is exclusive
}

func (q Query) where() (string, []any) {
	var parts []string
	var args []any
	add := func(condition string, v any) {
		args = append(args, v)
		parts = append(parts, fmt.Sprintf(condition, len(args)))
	}
	if q.Kind != "" {
		add("actor_kind = $%d", string(q.Kind))
	}
	if q.Actor != "" {
		add("actor = $%d", q.Actor)
	}
	if !q.From.IsZero() {
		add("at >= $%d", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add("at < $%d", q.To.UnixMicro())
	}
	if q.Holder != "" {
		add("holders like $%d escape '!'", "% "+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(q.Holder)+" %")
	}
	if len(parts) == 0 {
		return "", nil
	}
	return "where " + strings.Join(parts, " and ") + " ", args
}

// Find returns the newest uses that a query chooses.
func (l *Log) Find(ctx context.Context, q Query, limit int) ([]Use, error) {
	where, args := q.where()
	args = append(args, limit)
	return l.list(ctx, where+fmt.Sprintf("order by at desc, id limit $%d", len(args)), args...)
}

// A Reach says whose data a query touched: what a breach of that actor, or of that
// holder, in that time could have reached (GDPR Art. 33(3)(a), 34).
type Reach struct {
	People  int
	Reads   int64
	By      []ReachPart // by actor and purpose, the most people first
	Touched []Touched   // the people, in order of their ids, one page
	More    bool
}

// A ReachPart is the part of one actor and purpose.
type ReachPart struct {
	Kind       gate.Kind
	Actor      string
	Purpose    thimble.Purpose
	Categories []string
	People     int
	Reads      int64
}

// Touched is one person a query reached.
type Touched struct {
	Subject     thimble.SubjectID
	First, Last time.Time
	Reads       int64
}

// Reach answers a query with counts and one page of people, those after the given one.
func (l *Log) Reach(ctx context.Context, q Query, after thimble.SubjectID, limit int) (r Reach, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		r = Reach{}
		where, args := q.where()
		if err := tx.QueryRow(ctx, `select count(distinct subject_id), coalesce(sum(uses), 0) from gate_uses `+where, args...).Scan(&r.People, &r.Reads); err != nil {
			return err
		}
		if r.By, err = reachParts(ctx, tx, where, args); err != nil {
			return err
		}
		r.Touched, err = touched(ctx, tx, where, args, after, limit+1)
		if len(r.Touched) > limit {
			r.Touched, r.More = r.Touched[:limit], true
		}
		return err
	})
	if err != nil {
		return Reach{}, fmt.Errorf("gate: asking for the reach: %w", err)
	}
	return r, nil
}

func reachParts(ctx context.Context, tx *sqldb.Tx, where string, args []any) (all []ReachPart, _ error) {
	rows, err := tx.Query(ctx, `select actor_kind, actor, purpose, categories, count(distinct subject_id), sum(uses)
		from gate_uses `+where+`group by actor_kind, actor, purpose, categories order by 5 desc, 6 desc, 1, 2, 3, 4 limit 100`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p ReachPart
		var categories string
		if err := rows.Scan(&p.Kind, &p.Actor, &p.Purpose, &categories, &p.People, &p.Reads); err != nil {
			return nil, err
		}
		p.Categories = strings.Fields(categories)
		all = append(all, p)
	}
	return all, rows.Err()
}

func touched(ctx context.Context, tx *sqldb.Tx, where string, args []any, after thimble.SubjectID, limit int) (all []Touched, _ error) {
	next := "where "
	if where != "" {
		next = where + "and "
	}
	args = append(slices.Clone(args), after[:], limit)
	rows, err := tx.Query(ctx, `select subject_id, min(at), max(at), sum(uses) from gate_uses `+next+
		fmt.Sprintf(`subject_id > $%d group by subject_id order by subject_id limit $%d`, len(args)-1, len(args)), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Touched
		var first, last int64
		if err := rows.Scan(&t.Subject, &first, &last, &t.Reads); err != nil {
			return nil, err
		}
		t.First, t.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		all = append(all, t)
	}
	return all, rows.Err()
}

// hoursOf sums up what actors read, hour by hour, within [from, to).
func hoursOf(ctx context.Context, tx *sqldb.Tx, from, to time.Time, condition string, args ...any) (all []gate.Hour, _ error) {
	args = append([]any{from.UnixMicro(), to.UnixMicro()}, args...)
	rows, err := tx.Query(ctx, `select actor_kind, actor, at / 3600000000, count(distinct subject_id), sum(uses) from gate_uses
		where at >= $1 and at < $2 and actor_kind in ('staff', 'client') `+condition+` group by 1, 2, 3 order by 3, 1, 2`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h gate.Hour
		var hour int64
		if err := rows.Scan(&h.Kind, &h.Actor, &hour, &h.People, &h.Reads); err != nil {
			return nil, err
		}
		h.At = time.Unix(hour*3600, 0).UTC()
		all = append(all, h)
	}
	return all, rows.Err()
}

// ByActor adds up what an actor has opened since an instant, for each purpose and set of
// categories, the last first. It names nobody whose data it was.
func (l *Log) ByActor(ctx context.Context, k gate.Kind, actor string, since time.Time) (all []Use, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all = nil
		rows, err := tx.Query(ctx, `select purpose, categories, sum(uses), max(at) from gate_uses where actor_kind = $1 and actor = $2 and at > $3
			group by purpose, categories order by max(at) desc`, string(k), actor, since.UnixMicro())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			u := Use{Kind: k, Actor: actor}
			var cats string
			var at int64
			if err := rows.Scan(&u.Purpose, &cats, &u.Uses, &at); err != nil {
				return err
			}
			u.Categories, u.At = strings.Fields(cats), time.UnixMicro(at).UTC()
			all = append(all, u)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("gate: adding up the use log: %w", err)
	}
	return all, nil
}
