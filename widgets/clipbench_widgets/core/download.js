// Runs when its image has loaded; `this` is the image. Follows the link before it, once.
this.previousElementSibling.click();
this.remove();
