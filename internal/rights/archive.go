package rights

import (
	"context"
	"errors"
	"fmt"

	"thimble"
)

// An Archive is everything held about a person, as it was at one instant.
type Archive struct {
	Report   Report          `json:"report"`
	Snapshot Snapshot        `json:"snapshot"`
	Data     []thimble.Datum `json:"data"`
	// Members are the subjects of the person, all of them theirs.
	Members []thimble.SubjectID `json:"-"`
}

// Access returns everything held about a person, from every holder and about every
// member, at one snapshot. The first access of a person's day (UTC) is a request
// with a leaf; a later one of that day names the same request.
func (d *Desk) Access(ctx context.Context, who thimble.SubjectID) (Archive, error) {
	members, err := d.members(ctx, who)
	if err != nil {
		return Archive{}, err
	}
	r, err := d.store.Begin(ctx, Request{Subject: members[0], Kind: Access})
	if err != nil {
		return Archive{}, fmt.Errorf("rights: opening an access request: %w", err)
	}
	for _, h := range d.holders {
		if s, ok := h.(Settler); ok {
			if err := s.Flush(ctx); err != nil {
				return Archive{}, fmt.Errorf("rights: request %s: %s: %w", r.ID.Token(TokenPrefix), h.HolderName(), err)
			}
		}
	}
	a, err := d.read(ctx, members, d.holders)
	if err != nil {
		return Archive{}, fmt.Errorf("rights: request %s: %w", r.ID.Token(TokenPrefix), err)
	}
	r.Report.Holders, r.Report.Snapshot = a.Report.Holders, &a.Snapshot
	if r.State == Executing {
		// Another reader of the same day may have closed it a moment ago.
		if err := d.store.Finish(ctx, r); err != nil && !errors.Is(err, thimble.ErrConflict) {
			return Archive{}, fmt.Errorf("rights: closing request %s: %w", r.ID.Token(TokenPrefix), err)
		}
	}
	a.Report = r.Report
	return a, nil
}

// Look is Access for a page that shows counts or a part: it is no request. Named
// holders alone are asked when there are any; an unknown one is of kind ErrNotFound.
func (d *Desk) Look(ctx context.Context, who thimble.SubjectID, only ...string) (Archive, error) {
	members, err := d.members(ctx, who)
	if err != nil {
		return Archive{}, err
	}
	holders := d.holders
	if len(only) > 0 {
		holders = nil
		for _, name := range only {
			h, err := d.named(name)
			if err != nil {
				return Archive{}, err
			}
			holders = append(holders, h)
		}
	}
	a, err := d.read(ctx, members, holders)
	if err != nil {
		return Archive{}, fmt.Errorf("rights: looking at what is held: %w", err)
	}
	return a, nil
}

func (d *Desk) named(name string) (thimble.Holder, error) {
	for _, h := range d.holders {
		if h.HolderName() == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("rights: holder %q: %w", name, thimble.ErrNotFound)
}

// read exports what holders keep about members at one snapshot.
func (d *Desk) read(ctx context.Context, members []thimble.SubjectID, holders []thimble.Holder) (a Archive, err error) {
	id, err := thimble.NewID(nil)
	if err != nil {
		return a, err
	}
	err = d.cfg.Snapshots.Snapshot(ctx, func(ctx context.Context) error {
		// The clock is read once the snapshot is taken: nothing in it is younger.
		a = Archive{Snapshot: Snapshot{Name: id.Token("snap"), At: d.cfg.Now().UTC()}, Members: members}
		for _, h := range holders {
			line := HolderLine{Holder: h.HolderName()}
			for _, m := range members {
				for datum, err := range h.Export(ctx, m) {
					if err != nil {
						return fmt.Errorf("%s: %w", h.HolderName(), err)
					}
					a.Data = append(a.Data, datum)
					line.Count++
				}
			}
			a.Report.Holders = append(a.Report.Holders, line)
		}
		return nil
	})
	return a, err
}
