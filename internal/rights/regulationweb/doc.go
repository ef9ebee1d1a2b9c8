// Package regulationweb has the operations of regulations: Segment's Public API for deletion
// and suppression, below /v1, for a shop's own backend. The shapes are those of that API;
// ids of people are in no answer, because they are not kept.
package regulationweb
