// Where this site has the workbench and its sockets: they lie below any prefix.

const { root, sockets } = document.body.dataset;

export const pageOf = (module, name) => `${root}${module}/${name}/`;
export const socketOf = (module, name) => `${sockets}${module}/${name}/`;
export const everySocket = sockets;
