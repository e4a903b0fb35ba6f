import { isBuiltin } from 'node:module'
import ts from 'typescript'
import type { Source } from './house.js'

const parsed = new WeakMap<Source, ts.SourceFile>()

/** Every rule walks every file: each is parsed once. */
const parse = (source: Source): ts.SourceFile => {
  const known = parsed.get(source)
  if (known) return known
  const made = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true)
  parsed.set(source, made)
  return made
}

const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

const imported = new WeakMap<Source, readonly string[]>()

/** importsOf lists what a file imports as written, types and `import()` included. */
export const importsOf = (source: Source): readonly string[] => {
  const known = imported.get(source)
  if (known) return known
  const found: string[] = []
  imported.set(source, found)
  walk(parse(source), (node) => {
    const specifier = specifierOf(node)
    if (specifier && ts.isStringLiteralLike(specifier)) found.push(specifier.text)
  })
  return found
}

const specifierOf = (node: ts.Node): ts.Node | undefined => {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal
  if (!ts.isCallExpression(node)) return undefined
  const { expression, arguments: given } = node
  const isRequire = ts.isIdentifier(expression) && expression.text === 'require'
  return isRequire || expression.kind === ts.SyntaxKind.ImportKeyword ? given[0] : undefined
}

/** packageOf is the npm package that an import names; undefined for Node's own modules and for files of the same package. */
export const packageOf = (specifier: string): string | undefined => {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined
  const [first = '', second] = specifier.split('/')
  return first.startsWith('@') && second ? `${first}/${second}` : first
}

/** exportsAll tells that a file has `export *`, with or without `as`. */
export const exportsAll = (source: Source): boolean => {
  let found = false
  walk(parse(source), (node) => {
    if (!ts.isExportDeclaration(node)) return
    found ||= !node.exportClause || ts.isNamespaceExport(node.exportClause)
  })
  return found
}

/** readsEnvironment tells that a file names the environment of its process. A variable of its own called `process` is no matter. */
export const readsEnvironment = (source: Source): boolean => namesEnvironment(parse(source))

const namesEnvironment = (node: ts.Node): boolean => {
  if (declaresProcess(node)) return false
  if (ts.isPropertyAccessExpression(node) && isProcess(node.expression)) {
    if (node.name.text === 'env') return true
  }
  if (ts.isElementAccessExpression(node) && isProcess(node.expression)) {
    const key = node.argumentExpression
    if (ts.isStringLiteralLike(key) && key.text === 'env') return true
  }
  if (ts.isVariableDeclaration(node) && node.initializer && isProcess(node.initializer)) {
    if (takesEnv(node.name)) return true
  }
  if (ts.isImportDeclaration(node) && importsEnv(node)) return true
  return ts.forEachChild(node, (child) => namesEnvironment(child) || undefined) ?? false
}

const isProcess = (node: ts.Node): boolean =>
  (ts.isIdentifier(node) && node.text === 'process') ||
  (ts.isPropertyAccessExpression(node) && node.name.text === 'process')

const takesEnv = (name: ts.BindingName): boolean =>
  ts.isObjectBindingPattern(name) &&
  name.elements.some((each) => (each.propertyName ?? each.name).getText() === 'env')

const importsEnv = (node: ts.ImportDeclaration): boolean => {
  const { moduleSpecifier, importClause } = node
  if (!ts.isStringLiteral(moduleSpecifier) || !/^(node:)?process$/.test(moduleSpecifier.text)) {
    return false
  }
  const named = importClause?.namedBindings
  if (!named || !ts.isNamedImports(named)) return false
  return named.elements.some((each) => (each.propertyName ?? each.name).text === 'env')
}

/** declaresProcess tells that within this node `process` is something else than Node's global. */
const declaresProcess = (node: ts.Node): boolean => {
  if (ts.isFunctionLike(node)) return node.parameters.some((each) => isNamedProcess(each.name))
  if (ts.isForStatement(node) || ts.isForOfStatement(node) || ts.isForInStatement(node)) {
    return node.initializer !== undefined && listsProcess(node.initializer)
  }
  if (!ts.isBlock(node) && !ts.isSourceFile(node)) return false
  return node.statements.some(
    (each) => ts.isVariableStatement(each) && listsProcess(each.declarationList),
  )
}

const listsProcess = (node: ts.Node): boolean =>
  ts.isVariableDeclarationList(node) && node.declarations.some((each) => isNamedProcess(each.name))

const isNamedProcess = (name: ts.BindingName): boolean =>
  ts.isIdentifier(name)
    ? name.text === 'process'
    : name.elements.some((each) => ts.isBindingElement(each) && isNamedProcess(each.name))
