package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble/internal/app"
	"thimble/internal/retention"
)

// proveRetention prints the newest run of each category with its root, and asks now what is
// older than each schedule. It destroys nothing.
func proveRetention(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		plan, err := a.Retention.Plan(ctx)
		if err != nil {
			return err
		}
		runs, err := a.Retention.Runs(ctx, 1000)
		if err != nil {
			return err
		}
		asked, left := 0, int64(0)
		for _, s := range plan.Schedules {
			if s.Ends == nil {
				continue
			}
			asked++
			before := s.Before(a.Retention.Clock())
			fmt.Fprintf(c.out, "%s: %s, by %s (%s).\n", s.Category, s.Ends.Span, s.Ends.Source.Name, s.Ends.Source.Cite)
			n, err := c.provedCategory(ctx, a, s, runs, before)
			if err != nil {
				return err
			}
			left += n
		}
		fmt.Fprintf(c.out, "%d categories have a period; of %d others what is held goes with the person.\n", asked, len(plan.Schedules)-asked)
		for _, r := range retention.Clocked(plan.Schedules) {
			n, err := c.provedClock(ctx, a, r, runs)
			if err != nil {
				return err
			}
			left += n
		}
		if left > 0 {
			return errors.New("it does not hold: something is older than its schedule; the next run destroys it, or says why it waits")
		}
		fmt.Fprintln(c.out, "It holds: nothing is older than its schedule that no law keeps.")
		return nil
	})
}

// provedClock prints what is over by a period that runs for each person by itself.
func (c *call) provedClock(ctx context.Context, a *app.App, r retention.Rule, runs []retention.Run) (int64, error) {
	fmt.Fprintf(c.out, "%s, %s after %s, by %s (%s).\n", r.Category, r.Span, r.After, r.Source.Name, r.Source.Cite)
	if !r.Executed() {
		fmt.Fprintln(c.out, "  Not executed: it is shown alone.")
		return 0, nil
	}
	at := a.Retention.Clock() // of the newest run: who was told since is its successor's
	for _, run := range runs {
		if run.Category == r.Category && run.Clock == r.After && run.Rule == r.Key() && !run.Done.IsZero() {
			fmt.Fprintf(c.out, "  Run of %s: %d expired of %d that were over, %d left.\n", run.Done.Format(time.DateOnly), retention.Sum(run.Proof.Expired), retention.Sum(run.Proof.Listed), retention.Sum(run.Proof.Left))
			at = run.At
			break
		}
	}
	before := retention.Before(a.Retention.Clock(), r.Span)
	over, err := a.Retention.OverStill(ctx, r, before, at)
	if err != nil {
		return 0, err
	}
	n := retention.Sum(over)
	fmt.Fprintf(c.out, "  Over before %s and there: %d.\n", before.Format(time.DateOnly), n)
	return n, nil
}

// provedCategory prints what the newest run of a category proved, and what is older now.
func (c *call) provedCategory(ctx context.Context, a *app.App, s retention.Schedule, runs []retention.Run, before time.Time) (int64, error) {
	for _, r := range runs {
		if r.Category != s.Category || r.Clock != retention.Collected {
			continue
		}
		if r.State == retention.Waiting {
			fmt.Fprintf(c.out, "  A run waits for a person: %s.\n", r.Why)
			continue
		}
		if !r.Done.IsZero() {
			root := r.Proof.Root
			if root == "" {
				root = "of nothing"
			}
			fmt.Fprintf(c.out, "  Run of %s: %d expired of %d that were older, %d left; root %s.\n", r.Done.Format(time.DateOnly), retention.Sum(r.Proof.Expired), retention.Sum(r.Proof.Listed), retention.Sum(r.Proof.Left), root)
			break
		}
	}
	older, err := a.Retention.Older(ctx, s.Category, before)
	if err != nil {
		return 0, err
	}
	n := retention.Sum(older)
	fmt.Fprintf(c.out, "  Older than %s now: %d.\n", before.Format(time.DateOnly), n)
	return n, nil
}
