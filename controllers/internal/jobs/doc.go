// Package jobs reads what Jobs, their pods and the Events about them say: how they ended, what their workers reported, what keeps
// them from starting. It is pure: an object in, a value out.
package jobs
