package app

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/consent"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
	"thimble/internal/sqldb"
)

// learnPause is how long a training lasts before a yes to training asks for another: what a
// yes adds is wanted soon, what a no takes away is wanted at once.
const learnPause = time.Minute

// retrain queues a training when the consent to it was given. Who takes it back is written
// down by the change of their epoch, and taken out.
func (a *App) retrain(ctx context.Context, tx *sqldb.Tx, events []consent.Event) error {
	asked := false
	for _, e := range events {
		asked = asked || e.Purpose == thimble.TrainAISystem && e.State == consent.Given
	}
	if !asked {
		return nil
	}
	j := job.Job{Kind: TrainJob, Dedupe: TrainJob}
	if v, ok := a.Shop.Version(); ok {
		if at := v.MadeAt.Add(cmp.Or(a.Config.LearnPause, learnPause)); at.After(a.Config.clock()()) {
			j.Dedupe, j.RunAt = TrainJob+" with more", at // a key of its own: a training that is wanted at once does not wait with it
		}
	}
	return a.Jobs.Add(ctx, tx, j)
}

// moving is told whose epoch moves, in the transaction of the change.
func (k *Kernel) moving(tx *sqldb.Tx, who thimble.SubjectID) {
	k.Node.Moving(tx, who)
	k.Leaving.Moving(tx, who)
}

// askCatchUp queues that whoever is written down as leaving is taken out of the models.
func (k *Kernel) askCatchUp(ctx context.Context, tx *sqldb.Tx) error {
	return k.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Payload: `{"left":true}`, Dedupe: TrainJob + " without those who left"})
}

// learn has what the models were made of in memory, so that whoever leaves is taken out of
// them at once, and takes in the orders that come.
func (a *App) learn(ctx context.Context) error {
	for {
		err := a.Shop.Gather(ctx)
		if err == nil {
			err = a.Shop.TakeIn(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "orders were not taken into the model, or what it was made of was not gathered", slog.String("cause", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(a.Config.LearnEvery):
		}
	}
}

// touches tells the recommender what people did with products.
type touches struct{ events *timelinedb.Store }

// Touched implements lists.Events.
func (t touches) Touched(ctx context.Context, g thimble.Grant) ([]lists.Touch, error) {
	all, err := t.events.Interactions(ctx, g)
	if err != nil {
		return nil, err
	}
	touched := make([]lists.Touch, 0, len(all))
	for _, one := range all {
		touched = append(touched, lists.Touch{Item: one.Item, Deed: deeds[one.Kind], Last: one.Last})
	}
	return touched, nil
}

var deeds = map[timeline.Kind]lists.Deed{
	timeline.View: lists.Looked, timeline.Cart: lists.PutInCart, timeline.Wish: lists.WishedFor, timeline.Buy: lists.Bought, timeline.Return: lists.Returned,
}
