package planweb

import (
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
)

// dropWords say why events were not kept.
var dropWords = map[intake.Drop]struct{ name, why string }{
	intake.Denied:    {"Not permitted", "no purpose that the person permits needs it"},
	intake.Nobody:    {"Unknown visitors", "they permit nothing; that it happened was counted, without a trace of them"},
	intake.Repeated:  {"Came before", "an SDK sent it again, as it should"},
	intake.Unplanned: {"Not in the plan", "the tracking plan has no event of this name"},
	intake.Broken:    {"Broken", "a rule of the wire, or of an event that the plan blocks"},
	intake.Gone:      {"Forgotten people", "of somebody who was erased"},
	intake.NotKept:   {"Not kept", "it was decided under Retention that nothing of its kind is kept"},
}

// modeWords say what a broken rule costs.
var modeWords = map[plan.Mode]string{plan.Block: "block: the event is refused", plan.Omit: "omit: the property is left out", plan.Warn: "warn: it is only told"}

// doneWords say what is done to a value.
var doneWords = map[plan.Transform]string{
	plan.Keep: "kept", plan.Drop: "dropped", plan.Country: "country only", plan.AgeBand: "age band only", plan.Identifier: "used to find the person, not kept",
	plan.Scan: "kept without what leads to a person", plan.Address: "address without query",
}

// typeNames and transforms are the choices of forms.
var (
	typeNames  = []plan.Type{plan.String, plan.Number, plan.Integer, plan.Boolean, plan.Money, plan.Date, plan.Scalar, plan.Object, plan.Objects, plan.Strings}
	transforms = []plan.Transform{plan.Keep, plan.Drop, plan.Scan, plan.Identifier, plan.AgeBand, plan.Country, plan.Address}
	modes      = []plan.Mode{plan.Omit, plan.Block, plan.Warn}
)
