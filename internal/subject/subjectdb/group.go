package subjectdb

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"thimble"
	"thimble/internal/sqldb"
)

// A link is a merge as far as groups need it.
type link struct {
	id thimble.ID
	a  thimble.SubjectID
	b  thimble.SubjectID
	at int64
}

// A node is a subject as far as groups need it.
type node struct {
	id      thimble.SubjectID
	created int64
}

// older orders subjects: by when they came, then by id. Who is canonical follows
// from it and from nothing else, so the order of merges does not matter.
func older(a, b node) int {
	return cmp.Or(cmp.Compare(a.created, b.created), bytes.Compare(a.id[:], b.id[:]))
}

// A place is what is kept beside a subject about its person.
type place struct {
	person thimble.SubjectID // zero: it is the only one
	joined int64
}

// places says which groups the links make. Links form a forest: a merge joins two
// groups, so that taking any one away parts its group into exactly two.
func places(nodes []node, links []link) map[thimble.SubjectID]place {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, older)
	next := map[thimble.SubjectID][]link{}
	for _, l := range links {
		next[l.a] = append(next[l.a], l)
		next[l.b] = append(next[l.b], link{a: l.b, b: l.a, at: l.at})
	}
	at := map[thimble.SubjectID]place{}
	for _, root := range nodes { // the oldest of each group comes first
		if _, ok := at[root.id]; ok {
			continue
		}
		if len(next[root.id]) == 0 {
			at[root.id] = place{}
			continue
		}
		at[root.id] = place{person: root.id}
		for reached := []thimble.SubjectID{root.id}; len(reached) > 0; reached = reached[1:] {
			for _, l := range next[reached[0]] {
				if _, ok := at[l.b]; ok {
					continue
				}
				// Two are one person since the last link between them was made.
				at[l.b] = place{person: root.id, joined: max(at[reached[0]].joined, l.at)}
				reached = append(reached, l.b)
			}
		}
	}
	return at
}

// regroup writes down the groups of subjects that were of one person, or are now,
// and moves their epochs.
func (s *Store) regroup(ctx context.Context, tx *sqldb.Tx, members []thimble.SubjectID) error {
	if len(members) == 0 {
		return nil
	}
	nodes, err := readNodes(ctx, tx, members)
	if err != nil {
		return err
	}
	links, err := readLinks(ctx, tx, members)
	if err != nil {
		return err
	}
	for id, p := range places(nodes, links) {
		var joined any
		if p.joined > 0 {
			joined = p.joined
		}
		if _, err := tx.Exec(ctx, `update subject_subjects set person = $1, joined = $2, epoch = epoch + 1 where id = $3`, p.person, joined, id[:]); err != nil {
			return err
		}
		s.moves(tx, id)
	}
	return nil
}

func keysOf(ids []thimble.SubjectID) [][]byte {
	keys := make([][]byte, len(ids))
	for i := range ids {
		keys[i] = ids[i][:]
	}
	return keys
}

func readNodes(ctx context.Context, tx *sqldb.Tx, members []thimble.SubjectID) (nodes []node, err error) {
	err = inChunks(keysOf(members), func(_ int, list string, args []any) error {
		rows, err := tx.Query(ctx, `select id, created_at from subject_subjects where state = 'active' and id in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n node
			if err := rows.Scan(&n.id, &n.created); err != nil {
				return err
			}
			nodes = append(nodes, n)
		}
		return rows.Err()
	})
	return nodes, err
}

// readLinks returns the links among the members.
func readLinks(ctx context.Context, tx *sqldb.Tx, members []thimble.SubjectID) (links []link, err error) {
	err = inChunks(keysOf(members), func(_ int, list string, args []any) error {
		rows, err := tx.Query(ctx, `select id, survivor, absorbed, at from subject_merges where survivor in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l link
			if err := rows.Scan(&l.id, &l.a, &l.b, &l.at); err != nil {
				return err
			}
			links = append(links, l)
		}
		return rows.Err()
	})
	return links, err
}
