package lists

import (
	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend/trial"
)

// Without says what people get from lists who do not permit them.
func Without() []gate.Without {
	return []gate.Without{
		{Capability: "recommend", Purpose: thimble.PersonalizeContent, Does: "You see the popular list, which is the same for everybody. Your orders are not looked at for it."},
		{Capability: "recommend", Purpose: thimble.TrainAISystem, Does: "The lists are learned from what the others ordered and looked at. If yours was in, the model is made again and never saw you."},
		{Capability: "recommend", Purpose: trial.Analytics, Does: "You see the list that is not on trial, and are in no group. What you do with lists is not counted."},
	}
}
