package collect

import (
	"context"
	"errors"
	"fmt"
	"io"

	"thimble"
	"thimble/internal/collect/table"
)

// Deliver takes what a feed has sent: one object, whose rows are of a kind. It is an
// import of one batch into the feed's own, which never ends; what is known already by its
// number or by who it is is not doubled.
func (im *Importer) Deliver(ctx context.Context, feed string, kind Kind, o table.Parsed, opt Options) error {
	opt.object = &o
	opt, err := opt.normal(kind)
	if err != nil {
		return err
	}
	if opt.Map == nil {
		return fmt.Errorf("collect: a feed needs a mapping: %w", thimble.ErrInvalid)
	}
	if err := CheckMapping(kind, *opt.Map); err != nil {
		return err
	}
	may, err := im.ask(ctx, kind, opt.Map)
	if err != nil {
		return err
	}
	if opt.prefix, err = im.whose(ctx, kind, opt.Map); err != nil {
		return err
	}
	run, err := im.store.Feed(ctx, kind, feed)
	if err != nil {
		return err
	}
	in, err := newBatcher(kind, nil, opt, 0)
	for err == nil {
		var b Batch
		if b, err = in.next(); err == nil {
			err = deliver(ctx, run, may.strip(b))
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// deliver writes one batch. It meets no other importer in the same place, but may meet one
// with the same people.
func deliver(ctx context.Context, run Run, b Batch) error {
	for try := 0; ; try++ {
		save, err := run.Plan(ctx, b)
		if err == nil {
			err = save(ctx)
		}
		if err == nil || !errors.Is(err, thimble.ErrConflict) || try == patience {
			return err
		}
		if _, err := run.State(ctx); err != nil {
			return err
		}
	}
}
