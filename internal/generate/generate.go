// Package generate is the stage that makes feeds of a snapshot: it decides every
// feed for every offer, renders, and publishes.
//
// Its promise: a run publishes whole feeds or nothing.
package generate
