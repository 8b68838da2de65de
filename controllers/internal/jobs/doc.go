// Package jobs reads Jobs, their pods and the Events about them: how they ended, what their workers reported, what keeps
// them from starting. It is pure: an object in, a value out.
package jobs
