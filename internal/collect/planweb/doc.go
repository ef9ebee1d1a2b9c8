// Package planweb shows staff and programs what comes in and under which plan: the
// figures of each source, the tracking plan with its drafts and its history, and what
// waits to be decided.
//
// It promises:
//
//   - no page and no answer holds a value of an event, or says whom one was about: they
//     show counts, names of the plan, and types;
//   - a change is seen as a difference, what keeps more than before marked, before it is
//     in force; whoever plans may propose one, and what loosens is put in force at an
//     address of its own, which the rules give to whoever answers for privacy;
//   - a text that cannot be read comes back in the form, with the rule that it breaks, and
//     whoever changed what somebody else has changed is shown what that was;
//   - every page works without script; each says itself as an API call.
//
// What one person's events say is on the pages of package timelineweb.
package planweb
