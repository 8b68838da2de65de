package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// changes are the versions of objects from which they were changed last. The cache shows a change a little later, and a pass that still
// sees the version before would make it once more. The zero value is ready.
type changes struct {
	mutex sync.Mutex
	from  map[types.UID]string
}

// made reports whether the version of an object that is at hand has been changed already.
func (c *changes) made(object client.Object) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	version, known := c.from[object.GetUID()]
	return known && version == object.GetResourceVersion()
}

// note remembers that the version of an object that is at hand was changed.
func (c *changes) note(object client.Object) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.from == nil {
		c.from = map[types.UID]string{}
	}
	c.from[object.GetUID()] = object.GetResourceVersion()
}
