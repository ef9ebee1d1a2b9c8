// Package segment reads the bodies of Segment's tracking API: single events and
// batches, as the official SDKs send them. One pass over the bytes checks the JSON,
// takes out what identity and consent need, and holds the rest against a compiled
// tracking plan; what is left is a tape, from which [Body.Emit] writes the minimised
// event for whatever mask of categories is permitted.
//
// It promises:
//
//   - what it accepts is a part of what encoding/json accepts;
//   - two readers never see different things: a key that comes twice, however it is
//     escaped, in an event, its context, its consent or any object that something is read
//     from; bytes that are not UTF-8; half a surrogate pair; depth beyond 64; a number
//     beyond the range of float64: each refuses the event;
//   - a bad event in a batch costs only itself and is told by index and rule, never by
//     value; a body that is not JSON, is too large, or whose shared part is bad, is an
//     error of kind thimble.ErrInvalid;
//   - what is not in the plan, what the plan drops and what the mask does not permit is
//     not in what Emit writes; identifiers and addresses never are;
//   - the parts that EmitPart writes, one for each category, merge into what Emit writes;
//   - the order of keys and the spelling of strings do not change what Emit writes;
//   - money is read as digits and written as minor units, never as a float;
//   - no time lies in the future of its arrival; what the client says of the arrival is
//     ignored;
//   - reading and writing allocate nothing in the steady state.
//
// A Reader belongs to one goroutine. What it returns lies in the body and in buffers
// of the reader, and holds until the next Read; [Body.Forget] wipes it.
package segment
