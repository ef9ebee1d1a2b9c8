// Package plan holds the tracking plan: which events and properties a shop may send,
// what each is, what it is for, and what is done to it before anything is written.
//
// A plan is data: one strict YAML file ([Read]), with the e-commerce events of
// Segment's spec, version 2, as [Default]. [Compile] makes tables of it that package
// segment reads by; [Plan.Schema] writes each event as JSON Schema, draft 2020-12.
//
// It promises:
//
//   - a property that is not in the plan is dropped; so is one whose category is not
//     kept at all, and a plan that wants to keep it is refused;
//   - each property has one category of the taxonomy and at least one purpose, and no
//     more than 64 pairs of them occur, so that what is permitted is one bit mask;
//   - the compiled plan and the schema agree on what breaks the plan;
//   - what breaks it is told as a shape, a path with the type that was expected and the
//     one that came, never as a value;
//   - a proposal for an unknown property says a category, how sure that is and why, and
//     holds nothing of the value; nothing is kept until somebody decides;
//   - a change that keeps more than before says so ([Diff]), and [Accept] refuses it
//     without the name of the person who accepts it and their reason.
//
// Package plandb keeps the versions, package planweb has the pages.
package plan
